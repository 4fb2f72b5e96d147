/** `npm run bench`, `npm run bench -- --short`: one line per figure. Machines are noisy; compare ratios, not times. */
import { benchEngine } from './engine.ts';
import { benchWebhook } from './webhook.ts';

const short = process.argv.includes('--short');
benchEngine();
await benchWebhook(short);
