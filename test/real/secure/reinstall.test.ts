/** An installation that meets the Secrets without the volumes, and the volumes without the Secrets. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { NAME, startSecureScene } from './secure-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const secure = await startSecureScene(scene, ['--leader-election=false', '--sync-directions=']);
const first = await secure.loop();
const [server] = await secure.startServers(1);
assert.ok(server);
const data = join(scene.folder, server.pod, 'data');
await first.settled();

const bootstrap = async (): Promise<string> =>
  (await secure.secret(`${NAME}-bootstrap-acl-token`))?.['token'] ?? '';
const described = async (): Promise<readonly string[]> => {
  const { json } = await secure.ask(server, 'GET', '/v1/acl/tokens', { token: await bootstrap() });
  return (json as readonly Record<string, string>[]).map((each) => each['Description'] ?? '').toSorted();
};
const before = await described();

test('Secrets without volumes: empty servers are bootstrapped with the token that the Secret has', async () => {
  const token = await bootstrap();
  const versions = await secure.versions();
  await server.process().stop('SIGKILL');
  rmSync(data, { recursive: true });
  await server.restart();
  await eventually('everything is in Consul again', async () => assert.deepEqual(await described(), before));
  await first.settled();
  assert.equal(await bootstrap(), token);
  assert.equal(await secure.versions(), versions, 'no Secret is written');
});

test('volumes without Secrets: the index is told, and after the reset with it everything is new', async () => {
  await first.process.stop();
  const lost = await bootstrap();
  assert.equal((await secure.run([`--purge=${NAME}`])).code, 0);
  await server.process().stop('SIGTERM');
  const second = await secure.loop();
  await eventually('the new Secret', async () => assert.ok(await secure.secret(`${NAME}-server-secrets`)));
  await server.restart();
  let index = '';
  await eventually('the index', async () => {
    const step = (await second.status()).controllers[0]?.step ?? '';
    index = /reset index ([0-9]+) \(bootstrapped-by-others\)/.exec(step)?.[1] ?? '';
    assert.ok(index !== '', step);
  });
  writeFileSync(join(data, 'acl-bootstrap-reset'), `${index}\n`);
  await second.settled();
  assert.notEqual(await bootstrap(), lost);
  // Its tokens are made anew, and those of before are gone, but for the management token that nobody has any more.
  const again = await described();
  assert.deepEqual([...new Set(again)], [...new Set(before)]);
  assert.equal(again.filter((each) => each.startsWith('tandem:')).length, 2);
});
