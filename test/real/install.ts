/** `npm run real:install`, `npm run real:install -- envoy etcd`: brings the real parts into the cache. */
import { homedir } from 'node:os';
import { installMissing } from './install/install-missing.ts';
import { partTable, type Part } from './part-table.ts';
import { cacheRoot, findPart } from './parts.ts';

// 128 and the number of the signal, as shells have it.
const INTERRUPTED = { SIGINT: 130, SIGTERM: 143 } as const;

const all: readonly Part[] = partTable;
const names = process.argv.slice(2);
const unknown = names.filter((name) => !all.some((part) => part.name === name));
process.exitCode = unknown.length > 0 ? refuse() : await install();

function refuse(): number {
  const known = all.map(({ name }) => name).join(', ');
  process.stderr.write(`No part is called ${unknown.join(', ')}. The parts are: ${known}\n`);
  return 2;
}

async function install(): Promise<number> {
  const interruption = new AbortController();
  let interrupted = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = INTERRUPTED[signal];
      interruption.abort();
    });
  }
  const wanted = names.length === 0 ? all : all.filter((part) => names.includes(part.name));
  const outcomes = await installMissing(wanted, {
    root: cacheRoot(process.env, homedir()),
    find: (part) => findPart(part, process.env, homedir()),
    signal: interruption.signal,
    output: process.stdout,
  }).catch((error: unknown) => {
    // Interrupted while it waited for another installation.
    if (interruption.signal.aborted) return [];
    throw error;
  });
  const failed = outcomes.filter(({ kind }) => kind === 'failed').map(({ part }) => part.name);
  if (failed.length > 0) process.stderr.write(`Not installed: ${failed.join(', ')}\n`);
  if (interrupted > 0) process.stderr.write('Interrupted. The same command goes on from here.\n');
  return interrupted > 0 ? interrupted : Math.min(failed.length, 1);
}
