/** A signal ends a command also where it waits for somebody who does not answer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { writePlainKubeconfig } from './plain-kubeconfig.ts';
import { spawnTandem } from './tandem-process.ts';

let folder: string;
let silent: Server;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-stopped-'));
  silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  await writePlainKubeconfig(folder, `http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
});
after(async () => {
  silent.closeAllConnections();
  silent.close();
  await rm(folder, { recursive: true });
});

// Far less than the 30 s after which a request to the API server is given up.
const SOON = 15_000;

for (const args of [['sync'], ['secure', '--name=mesh', '--server-selector=app=consul'], ['plan']])
  test(`tandem ${args[0]} while the API server does not answer`, { timeout: SOON }, async (context) => {
    const child = spawnTandem([...args, `--kubeconfig=${join(folder, 'config')}`]);
    context.after(() => child.kill('SIGKILL'));
    const asked = once(silent, 'request');
    const [stderr] = await Promise.all([
      text(child.stderr),
      asked.then(() => child.kill('SIGTERM')),
      once(child, 'exit'),
    ]);
    assert.match(stderr, /: it was stopped$/m);
  });

test('tandem inject while nobody writes to its input', { timeout: SOON }, async (context) => {
  const child = spawnTandem(['inject', '-']);
  context.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  // More than a pipe holds: it is gone when the command reads.
  await new Promise((resolve) => child.stdin.write('#'.repeat(1_000_000), resolve));
  child.kill('SIGINT');
  assert.deepEqual(await exited, [null, 'SIGINT']);
});
