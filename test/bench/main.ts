/** `npm run bench`; `npm run bench -- --help` says what else it takes. */
import { readArguments, USAGE, type Part } from './arguments.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const request = readArguments(process.argv.slice(2));
  if (typeof request === 'string') {
    process.stderr.write(`${request}\n\n${USAGE}`);
    return 2;
  }
  const { help, short, only } = request;
  if (help) process.stdout.write(USAGE);
  else await measure(short, only);
  return 0;
}

/** Each part is loaded when it runs: all of them take a second. */
async function measure(short: boolean, only: Part | undefined): Promise<void> {
  const runs = (part: Part): boolean => only === undefined || only === part;
  if (runs('engine')) (await import('./engine.ts')).benchEngine(short);
  if (runs('webhook')) await (await import('./webhook.ts')).benchWebhook(short);
  if (runs('sync')) await (await import('./sync.ts')).benchSync(short);
  if (only === undefined || only === 'registrar' || only === 'to-k8s')
    await (await import('./controllers.ts')).benchControllers(short, only);
  if (runs('config-entries')) await (await import('./config-entries.ts')).benchConfigEntries(short);
  if (runs('redirection')) (await import('./redirection.ts')).benchRedirection(short);
  if (only === 'cluster') await (await import('./cluster.ts')).benchCluster(short);
}
