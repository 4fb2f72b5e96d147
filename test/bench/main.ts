/**
 * `npm run bench`, `-- --short`, `-- --only=sync`: one line per figure. Machines are noisy; compare ratios, not times.
 * `-- --only=cluster` needs a cluster that KUBECONFIG names, installs Tandem there, and is the only part that has to be asked for.
 */
import { benchEngine } from './engine.ts';
import { benchCluster } from './cluster.ts';
import { benchConfigEntries } from './config-entries.ts';
import { benchControllers } from './controllers.ts';
import { benchRedirection } from './redirection.ts';
import { benchSync } from './sync.ts';
import { benchWebhook } from './webhook.ts';

const short = process.argv.includes('--short');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.split('=')[1];
if (only === undefined || only === 'engine') benchEngine();
if (only === undefined || only === 'webhook') await benchWebhook(short);
if (only === undefined || only === 'sync') await benchSync(short);
if (only === undefined || only === 'registrar' || only === 'to-k8s') await benchControllers(short, only);
if (only === undefined || only === 'config-entries') await benchConfigEntries(short);
if (only === undefined || only === 'redirection') benchRedirection(short);
if (only === 'cluster') await benchCluster(short);
