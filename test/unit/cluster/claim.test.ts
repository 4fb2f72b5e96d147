import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { test } from 'node:test';

const MODULE = join(import.meta.dirname, '../../cluster/harness/claim.ts');
const FOLDERS = ['one', 'two'].map((name) => `/tandem-claim-test-${process.pid}/${name}`);
const PROGRAM = `
  import { claimCluster } from '${MODULE}';
  console.log(await claimCluster(${JSON.stringify(FOLDERS)}));
  setInterval(() => undefined, 1000);
`;

type Claimer = {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly claimed: Promise<string>;
};

function claimer(): Claimer {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, claimed: once(child.stdout, 'data').then(([line]) => String(line).trim()) };
}

test('each process has a cluster of its own, and the next one that of a process that was killed', async () => {
  const claimers = [claimer(), claimer()];
  const [first, second] = await Promise.all(claimers.map(({ claimed }) => claimed));
  assert.deepEqual(new Set([first, second]), new Set(FOLDERS));
  const third = claimer();
  try {
    claimers[0]?.child.kill('SIGKILL');
    assert.equal(await third.claimed, first);
  } finally {
    for (const { child } of [...claimers, third]) child.kill('SIGKILL');
  }
});
