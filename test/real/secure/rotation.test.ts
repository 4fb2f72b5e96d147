/** Everything rotates while Consul is written to, without a restart; and what was made can be purged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificatesIn } from '../../../src/support/known-certificate.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { NAME, startSecureScene, type StartedAgent } from './secure-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const secure = await startSecureScene(scene, ['--client-selector=component=client']);
const loop = await secure.loop();
const servers = await secure.startServers(3);
const client = await secure.startClient(servers);
const agents: readonly StartedAgent[] = [...servers, client];
await loop.settled();

const state = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await secure.secret(`${NAME}-secure`))?.['state.json'] ?? '{}') as Record<string, unknown>;
const bootstrap = async (): Promise<string> =>
  (await secure.secret(`${NAME}-bootstrap-acl-token`))?.['token'] ?? '';

test('all at once, under load: no write fails, and every old secret is of no use', async () => {
  const before = { ...(await state()), bootstrap: await bootstrap() };
  const serials = await Promise.all(agents.map(secure.servedSerial));
  const pids = agents.map((agent) => agent.process().pid);
  const load = startLoad();
  const rotations = ['gossip', 'ca', 'server-certificate', 'agent-tokens', 'bootstrap-token'];
  for (const rotation of rotations) {
    const more = rotation === 'ca' ? ['--distrust'] : [];
    assert.equal((await secure.run([`--rotate=${rotation}`, ...more])).code, 0);
  }

  await eventually('all is exchanged', async () => {
    for (const agent of agents) await agent.swap();
    const now = await state();
    assert.deepEqual(Object.keys(now['answered'] as object).toSorted(), [
      'agent-tokens',
      'bootstrap-token',
      'ca',
      'gossip',
    ]);
    assert.ok(!('nextGossip' in now));
    assert.deepEqual(now['nextTokens'], {});
    assert.match((await loop.status()).controllers[0]?.step ?? '', /^keep/);
    assert.deepEqual(Object.keys((await secure.secret(`${NAME}-bootstrap-acl-token`)) ?? {}), ['token']);
  });
  const { writes, failed } = await load.end();
  // The former CA was distrusted, and has left.
  const trusted = (await secure.secret(`${NAME}-server-secrets`))?.['ca.crt'] ?? '';
  assert.equal(certificatesIn(trusted).length, 1);
  assert.ok(writes > 20, `${writes} writes`);
  assert.deepEqual(failed, []);

  const token = await bootstrap();
  const keyring = await secure.ask(client, 'GET', '/v1/operator/keyring', { token });
  const [ring] = keyring.json as readonly { readonly PrimaryKeys: object }[];
  const now = await state();
  assert.deepEqual(Object.keys(ring?.PrimaryKeys ?? {}), [now['gossip']]);
  assert.notEqual(now['gossip'], before['gossip' as keyof typeof before]);
  const served = await Promise.all(agents.map(secure.servedSerial));
  assert.ok(served.every((serial, at) => serial !== serials[at]));
  const old = [before.bootstrap, ...secretsIn(before)];
  for (const each of old)
    assert.equal(
      (await secure.ask(servers[0] ?? client, 'GET', '/v1/acl/token/self', { token: each })).status,
      403,
    );
  const members = await secure.ask(client, 'GET', '/v1/agent/members', { token });
  assert.equal(
    (members.json as readonly { readonly Status: number }[]).filter(({ Status: alive }) => alive === 1)
      .length,
    4,
  );
  assert.deepEqual(
    agents.map((agent) => agent.process().pid),
    pids,
  );
});

test('after an uninstall, purge takes away what was made', async () => {
  await loop.process.stop();
  assert.notEqual((await secure.run(['--purge=other'])).code, 0);
  assert.equal((await secure.run([`--purge=${NAME}`])).code, 0);
  assert.equal(await secure.versions(), '');
});

function secretsIn(before: object): readonly string[] {
  const { tokens } = before as { readonly tokens: Readonly<Record<string, { readonly secret: string }>> };
  return ['agent', 'dns'].map((name) => tokens[name]?.secret ?? '');
}

/** Writes, each with 8 s of tries as a client with a retry has them. */
function startLoad() {
  const ending = new AbortController();
  let writes = 0;
  const failed: string[] = [];
  const run = async (): Promise<void> => {
    for (let at = 0; !ending.signal.aborted; at += 1) {
      const agent = agents[at % agents.length] ?? client;
      const said: string[] = [];
      const deadline = Date.now() + 8000;
      let isWritten = false;
      while (!isWritten && (said.length === 0 || Date.now() < deadline)) {
        const token = await bootstrap();
        const answer = await secure
          .ask(agent, 'PUT', `/v1/kv/load/${at}`, { token, body: at })
          .catch((error: unknown) => ({ status: 0, text: String(error) }));
        isWritten = answer.status === 200;
        if (!isWritten) said.push(`${agent.pod}: ${answer.status} ${answer.text}`);
      }
      if (isWritten) writes += 1;
      else failed.push(said.at(-1) ?? '');
      await sleep(150);
    }
  };
  const done = run();
  return {
    end: async () => {
      ending.abort();
      await done;
      return { writes, failed };
    },
  };
}
