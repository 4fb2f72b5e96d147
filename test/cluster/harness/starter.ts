/** Starts a cluster, and holds it as a runner of tests does. For tests that kill it. */
import { startCluster } from './keeper-client.ts';

await startCluster({ onProgress: (text) => void process.stdout.write(`${text}\n`) });
