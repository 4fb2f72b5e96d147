/** The loop is ended by SIGKILL before and after each of its steps, and begun again: the end is the same, and nothing is there twice. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { startScene } from '../harness/scene.ts';
import { TANDEM } from '../harness/tandem-program.ts';
import { NAME, startSecureScene } from './secure-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
// A Lease would have to run out after each kill.
const secure = await startSecureScene(scene, ['--leader-election=false', '--sync-directions=']);
const starting = secure.startServers(1);

/** Runs until a line has this message and kills it at once, or ends it when nothing is due; the answer tells which. */
async function runUntil(
  message: string | undefined,
): Promise<{ readonly isDone: boolean; readonly steps: number }> {
  const args = [TANDEM, 'secure', ...secure.flags, '--log-level=debug', '--status-listen=127.0.0.1:0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  scene.atEnd(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let steps = 0;
  let isDone = false;
  for await (const line of createInterface(child.stdout)) {
    const { msg } = JSON.parse(line) as { readonly msg: string };
    if (msg === 'a step is done') steps += 1;
    isDone = msg === 'nothing is due';
    if (isDone || msg === message) break;
  }
  child.kill('SIGKILL');
  await exited;
  return { isDone, steps };
}

test('killed at every step', async () => {
  let runs = 0;
  for (let isDone = false; !isDone; runs += 1) {
    assert.ok(runs < 60, 'it comes to no end');
    ({ isDone } = await runUntil(runs % 2 === 0 ? 'a step begins' : 'a step is done'));
  }
  assert.ok(runs > 10, `${runs} runs`);

  const [server] = await starting;
  assert.ok(server);
  const token = (await secure.secret(`${NAME}-bootstrap-acl-token`))?.['token'] ?? '';
  const list = async (path: string): Promise<readonly Record<string, unknown>[]> =>
    (await secure.ask(server, 'GET', path, { token })).json as never;
  const tokens = await list('/v1/acl/tokens');
  const described = tokens.map(({ Description: text }) => String(text)).toSorted();
  assert.deepEqual(described, [
    'Anonymous Token',
    'Bootstrap Token (Global Management)',
    'tandem: token agent of mesh, cluster east',
    'tandem: token dns of mesh, cluster east',
  ]);
  assert.equal((await list('/v1/acl/binding-rules')).length, 1);

  const before = await secure.versions();
  assert.deepEqual(await runUntil(undefined), { isDone: true, steps: 0 });
  assert.equal(await secure.versions(), before);
});
