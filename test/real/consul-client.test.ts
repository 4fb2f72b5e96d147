/** The client against real servers: ACLs, a login by an auth method, and three servers of which some go away. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openConsul, type OpenConsul, type ConsulOptions } from '../../src/consul/client.ts';
import { readLeader, readNodeServices, readServices, type ReadOptions } from '../../src/consul/read.ts';
import { transaction } from '../../src/consul/transaction.ts';
import { setNode, type Operation } from '../../src/model/operations.ts';
import { watch } from '../../src/consul/watch.ts';
import { deregisterFromAgent, registerCatalog } from '../../src/consul/write.ts';
import { TandemError } from '../../src/support/errors.ts';
import { property } from '../../src/support/json.ts';
import { secret } from '../../src/support/secret.ts';
import { startConsul } from './harness/consul.ts';
import { eventually } from './harness/eventually.ts';
import { startScene } from './harness/scene.ts';
import { jwt } from './jwt.ts';

const scene = await startScene(['consul']);

async function open(
  addresses: readonly string[],
  token: ConsulOptions['token'] = { kind: 'none' },
): Promise<OpenConsul> {
  const client = await openConsul({
    addresses: () => addresses,
    token,
    caFile: undefined,
    serverName: undefined,
    datacenter: undefined,
    namespace: undefined,
  });
  scene.atEnd(() => client.close());
  return client;
}

const SERVICE = {
  Service: 'web',
  Tags: [],
  Address: '',
  Port: 80,
  Meta: {},
  Weights: { Passing: 1, Warning: 1 },
} as const;
const register = (node: string, id: string): readonly Operation[] => [
  setNode(node),
  { Service: { Verb: 'set', Node: node, Service: { ...SERVICE, ID: id } } },
];

test(
  'three servers: calls go on, and a watch too, when the one in use stops',
  { timeout: 120_000 },
  async () => {
    const consul = await startConsul(scene, { servers: 3 });
    const client = await open(consul.servers.map(({ url }) => url));
    const leader = await readLeader(client);
    const [first] = consul.servers;
    assert.ok(first !== undefined && leader !== undefined);
    assert.equal((await transaction(client, register('three', 'a'))).kind, 'applied');
    const stop = new AbortController();
    const read = (options: ReadOptions) => readNodeServices(client, 'three', options);
    const watched = watch(read, { signal: stop.signal });
    assert.equal((await watched.next()).value?.value.services.length, 1);
    const next = watched.next().catch((error: unknown) => error);
    await first.process().stop('SIGKILL');
    // Without the stopped server there may be an election, which is what a caller backs off for.
    for (;;) {
      const outcome = await transaction(client, register('three', 'b')).catch((error: unknown) => error);
      if (!(outcome instanceof TandemError)) {
        assert.equal(property(outcome, 'kind'), 'applied');
        break;
      }
      assert.equal(outcome.retryable, true, outcome.message);
    }
    const ids = async (): Promise<string[]> =>
      (await readNodeServices(client, 'three')).value.services.map(({ ID }) => ID);
    // The server that answers may not know of a leader yet.
    await eventually('both', async () => assert.deepEqual(await ids(), ['a', 'b']));
    // The watch goes on at another server, or says with a retryable error that there is no leader.
    const outcome = await next;
    if (outcome instanceof Error) assert.equal((outcome as TandemError).retryable, true, outcome.message);
    else assert.ok(outcome);
    stop.abort();
  },
);

test('a name that is the start of the ID of another node is no node', async () => {
  const consul = await startConsul(scene);
  const { Config } = (await consul.call('GET', '/v1/agent/self')) as { Config: { NodeID: string } };
  const start = Config.NodeID.slice(0, 8);
  const raw = await consul.call('GET', `/v1/catalog/node-services/${start}`);
  assert.equal(property(property(raw, 'Node'), 'Node'), 'server-1');
  const { value } = await readNodeServices(await open([consul.url]), start);
  assert.deepEqual(value, { node: undefined, services: [] });
});

test('no majority is an error that can be tried again', { timeout: 120_000 }, async () => {
  const consul = await startConsul(scene, { servers: 3 });
  const [first, second, third] = consul.servers;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const client = await open([third.url]);
  await Promise.all([first, second].map((server) => server.process().stop('SIGKILL')));
  const error = await transaction(client, register('lost', 'a')).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof TandemError);
  assert.equal(error.retryable, true, error.message);
});

const RULES = `node "k8s-sync" { policy = "write" }
node_prefix "" { policy = "read" }
service_prefix "web" { policy = "write" }`;

test('ACLs: what is allowed, what is not, and what is filtered', async (context) => {
  const consul = await startConsul(scene, { acls: true });
  await consul.call('PUT', '/v1/acl/policy', { Name: 'sync', Rules: RULES });
  const made = (await consul.call('PUT', '/v1/acl/token', { Policies: [{ Name: 'sync' }] })) as {
    SecretID: string;
    AccessorID: string;
  };
  const client = await open([consul.url], { kind: 'value', value: secret(made.SecretID) });

  await context.test('least privilege is enough for a sync', async () => {
    assert.equal((await transaction(client, register('k8s-sync', 'a'))).kind, 'applied');
    assert.equal((await readNodeServices(client, 'k8s-sync')).value.services.length, 1);
  });

  await context.test(
    'an operation without the right is rolled back, and a registration forbidden',
    async () => {
      const outcome = await transaction(client, register('another', 'a'));
      assert.equal(outcome.kind, 'rolled-back');
      assert.match(
        outcome.kind === 'rolled-back' ? (outcome.errors[0]?.what ?? '') : '',
        /Permission denied/,
      );
      await assert.rejects(
        registerCatalog(client, { Node: 'another', Address: '10.0.0.1' }),
        (error: Error) => {
          assert.match(error.message, new RegExp(`Permission denied.*${made.AccessorID}`));
          assert.doesNotMatch(error.message, new RegExp(made.SecretID));
          return (error as TandemError).code === 'TANDEM_CONSUL_FORBIDDEN';
        },
      );
    },
  );

  await context.test('what is filtered says so', async () => {
    assert.equal((await readServices(client)).filteredByAcls, true);
  });

  await context.test('an unknown token is forbidden, to write and to read', async () => {
    const unknown = await open([consul.url], {
      kind: 'value',
      value: secret('00000000-0000-0000-0000-00000000dead'),
    });
    await assert.rejects(readServices(unknown), {
      code: 'TANDEM_CONSUL_FORBIDDEN',
      message: /ACL not found/,
    });
    await assert.rejects(transaction(unknown, register('k8s-sync', 'b')), {
      code: 'TANDEM_CONSUL_FORBIDDEN',
    });
  });

  await context.test('a service that the agent has not is no error', async () => {
    const admin = await open([consul.url], { kind: 'value', value: secret(consul.token) });
    assert.equal(await deregisterFromAgent(admin, 'absent'), false);
  });

  await context.test(
    'a login gives a token, a new one when it is revoked, and it is gone at the end',
    async () => {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      await consul.call('PUT', '/v1/acl/auth-method', {
        Name: 'tandem',
        Type: 'jwt',
        Config: {
          JWTValidationPubKeys: [publicKey.export({ type: 'spki', format: 'pem' })],
          BoundIssuer: 'test',
          ClaimMappings: { sub: 'sub' },
        },
      });
      await consul.call('PUT', '/v1/acl/role', { Name: 'sync', Policies: [{ Name: 'sync' }] });
      await consul.call('PUT', '/v1/acl/binding-rule', {
        AuthMethod: 'tandem',
        BindType: 'role',
        BindName: 'sync',
      });
      const bearerTokenFile = join(scene.folder, 'bearer');
      writeFileSync(bearerTokenFile, jwt({ iss: 'test', sub: 'tandem' }, privateKey), { mode: 0o600 });
      const loggedIn = await open([consul.url], { kind: 'login', method: 'tandem', bearerTokenFile });
      assert.equal((await transaction(loggedIn, register('k8s-sync', 'c'))).kind, 'applied');
      const tokens = async (): Promise<string[]> => {
        const all = (await consul.call('GET', '/v1/acl/tokens?authmethod=tandem')) as {
          AccessorID: string;
        }[];
        return all.map(({ AccessorID }) => AccessorID);
      };
      const [accessor] = await tokens();
      await consul.call('DELETE', `/v1/acl/token/${accessor}`);
      assert.equal((await transaction(loggedIn, register('k8s-sync', 'd'))).kind, 'applied');
      const renewed = await tokens();
      assert.deepEqual([renewed.length, renewed[0] !== accessor], [1, true]);
      await loggedIn.close();
      assert.deepEqual(await tokens(), []);
    },
  );
});
