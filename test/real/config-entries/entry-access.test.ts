/** Config entries in a Consul with ACLs, and in one of two datacenters. The objects are held by the test. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EntrySettings } from '../../../src/catalog/config-entries/decide-entry.ts';
import { readEntryObject, type EntryObject } from '../../../src/catalog/config-entries/entry-object.ts';
import type { EntryPlan } from '../../../src/catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../../../src/catalog/config-entries/entry-table.ts';
import { openConsul, type OpenConsul } from '../../../src/consul/client.ts';
import { entrySource, entryWriter } from '../../../src/consul/config-entries.ts';
import { consulDatacentersOnce } from '../../../src/consul/consul-datacenters.ts';
import { runConfigEntries } from '../../../src/controllers/config-entry-loop.ts';
import type { ConfigEntryReporter } from '../../../src/controllers/config-entry-ports.ts';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import { purgeEntries } from '../../../src/runtime/purge-entries.ts';
import { secret } from '../../../src/support/secret.ts';
import { samples } from '../../unit/catalog/config-entries/samples.ts';
import { startConsul, type Consul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';

const DOCS = readFileSync(join(import.meta.dirname, '../../../docs/config-entries-sync.md'), 'utf8');
const known = samples.filter(({ kind }) => kind.enterprise !== true);
const kinds = known.map(({ kind }) => kind);
const scene = await startScene(['consul']);

type Sent = { readonly endpoint: string };

async function open(
  consul: Pick<Consul, 'url'>,
  token = '',
): Promise<{ client: OpenConsul; sent: readonly Sent[] }> {
  const sent: Sent[] = [];
  const client = await openConsul({
    addresses: () => [consul.url],
    token: token === '' ? { kind: 'none' } : { kind: 'value', value: secret(token) },
    caFile: undefined,
    serverName: undefined,
    datacenter: undefined,
    namespace: undefined,
    onRequest: (report) => sent.push(report),
  });
  scene.atEnd(() => client.close());
  return { client, sent };
}

type Run = {
  readonly refusals: ReadonlyMap<string, string>;
  readonly kept: readonly string[];
  /** Of each object, in its last reconcile. */
  readonly states: readonly string[];
};

/** One process that ends when both sides agree, or when all was tried once. */
async function once(
  client: OpenConsul,
  objects: readonly { readonly kind: EntryKind; readonly object: EntryObject }[],
  settings: EntrySettings,
  primary?: string,
): Promise<Run> {
  const refusals = new Map<string, string>();
  let last: EntryPlan | undefined;
  const nothing = (): undefined => undefined;
  const reporter: ConfigEntryReporter = {
    applied: nothing,
    refused: ({ kind }, reason) => refusals.set(kind.entryKind, reason),
    failed: nothing,
    succeeded: nothing,
    guarded: nothing,
    released: nothing,
    planned: (plan) => (last = plan),
    stands: nothing,
    acceptedOtherwise: ({ key }) => assert.fail(key),
  };
  await runConfigEntries(
    {
      clock: systemClock,
      random: Math.random,
      objects: {
        objects: (kind) => objects.flatMap((each) => (each.kind === kind ? each.object : [])),
        trouble: nothing,
        synced: () => Promise.resolve(),
        onChange: () => nothing,
        refresh: () => Promise.resolve(),
        relist: () => new Map(),
      },
      entries: entrySource({ client, kinds, primary }),
      writer: entryWriter({ client }),
      cluster: {
        crd: () => Promise.resolve({ isThere: true, created: '' }),
        patchStatus: (_kind, _object, status) => Promise.resolve(status),
        dropFinalizer: () => Promise.resolve(),
      },
      reporter,
    },
    { kinds, settings, resync: 600_000, dryRun: false, once: true, areObjectsOld: false },
    AbortSignal.timeout(60_000),
  );
  return {
    refusals,
    kept: (last?.kept ?? []).map(({ key, why }) => `${key}: ${why}`),
    states: (last?.objects ?? []).map(({ state }) => (state.kind === 'failed' ? state.reason : state.kind)),
  };
}

const settingsOf = (owner: string): EntrySettings => ({
  owner,
  datacenter: 'dc1',
  adopt: false,
  policy: 'sync',
  allowNamespaces: ['*'],
});

const consul = await startConsul(scene, { acls: true });

async function tokenOf(rules: string): Promise<string> {
  const Name = `policy-${Math.random().toString(36).slice(2)}`;
  await consul.call('PUT', '/v1/acl/policy', { Name, Rules: rules });
  const made = await consul.call('PUT', '/v1/acl/token', { Policies: [{ Name }] });
  return (made as { readonly SecretID: string }).SecretID;
}

const [, mesh = '', services = ''] = /The token needs `([^`]+)` and `([^`]+)`/.exec(DOCS) ?? [];
const settings = settingsOf('one');

test('the documented policy writes and removes every kind, and shows all of it', async () => {
  const { client } = await open(consul, await tokenOf(`${mesh}\n${services}`));
  const written = await once(client, known, settings);
  assert.deepEqual([...written.refusals], []);
  const removed = await once(client, [], { ...settings, policy: 'upsert-only' });
  assert.equal(removed.kept.length, known.length);
});

test('a purge with no token says that it cannot tell, and with the documented policy that nothing is left', async () => {
  const purged = async (token: string): Promise<readonly unknown[]> => {
    const { client } = await open(consul, token);
    const told: unknown[] = [];
    const left = await purgeEntries(
      {
        owner: 'one',
        consul: client,
        datacenters: { datacenter: 'dc1', primaryDatacenter: 'dc1' },
        isRequired: true,
        log: (_level, message, fields) => {
          if (message === 'config entries are purged') told.push(fields?.['removed'], fields?.['left']);
          else told.push(fields?.['reason']);
        },
      },
      AbortSignal.timeout(60_000),
    );
    return [left, ...told];
  };
  const [left, reason, ...told] = await purged('');
  assert.match(String(reason), /the token may not write mesh "", so it may not show everything/);
  assert.deepEqual(told.slice(-2), [0, 'not known']);
  // Those of the mesh and of all proxies, which everybody may read, and what it cannot tell.
  assert.equal(left, 3);
  assert.deepEqual(await purged(await tokenOf(`${mesh}\n${services}`)), [0, known.length, 0]);
});

// By CanWrite of each kind (Consul, agent/structs/config_entry*.go).
const LESS: readonly [string, string, readonly string[], RegExp][] = [
  [
    'mesh = "write"',
    services,
    ['mesh', 'proxy-defaults', 'jwt-provider', 'exported-services', 'ingress-gateway', 'terminating-gateway'],
    /lacks permission 'mesh:write'/,
  ],
  [
    'policy = "write"',
    `${mesh}\n${services.replace('policy = "write"', 'policy = "read"')}`,
    ['service-defaults', 'service-resolver', 'service-splitter', 'service-router'],
    /lacks permission 'service:write'/,
  ],
  [
    'intentions = "write"',
    `${mesh}\n${services.replace(' intentions = "write"', '')}`,
    ['service-intentions'],
    /lacks permission 'intention:write'/,
  ],
];

for (const [rule, rules, needing, says] of LESS)
  test(`without ${rule}, what needs it is refused by name, and nothing is removed`, async () => {
    const { client } = await open(consul, await tokenOf(rules));
    // Whatever the one before has written.
    for (const { kind, object } of known.toReversed())
      await consul.call('DELETE', `/v1/config/${kind.entryKind}/${object.name}`);
    const { refusals } = await once(client, known, settings);
    for (const kind of needing) assert.match(refusals.get(kind) ?? '', says, kind);
    const asked = entryWriter({ client });
    const removals = needing.map((entryKind) => {
      const kind = kinds.find((each) => each.entryKind === entryKind) ?? assert.fail();
      return {
        action: 'delete',
        reason: 'object-gone',
        key: entryKind,
        kind,
        name: 'web',
        place: 'default/web',
        index: 1,
        after: undefined,
      } as const;
    });
    for (const removal of removals)
      assert.match(
        (await asked.mayRemove([removal], AbortSignal.timeout(10_000))) ?? '',
        /the token may not write/,
      );
  });

function defaultsOf(name: string, protocol: string): { kind: EntryKind; object: EntryObject } {
  const kind = kinds.find(({ entryKind }) => entryKind === 'service-defaults') ?? assert.fail();
  const creationTimestamp = '2026-01-01T00:00:00Z';
  const metadata = { name, namespace: 'default', uid: name, generation: 1, creationTimestamp };
  return {
    kind,
    object: readEntryObject({ kind: kind.kind, metadata, spec: { protocol } }) ?? assert.fail(),
  };
}

test('two clusters of one Consul with the same names: each entry has one owner, whom nobody disturbs', async () => {
  const [one, two] = await Promise.all([open(consul, consul.token), open(consul, consul.token)]);
  const names = Array.from({ length: 8 }, (_each, nth) => `both${nth}`);
  // The first half says the same in both clusters.
  const objectsOf = (protocol: string) =>
    names.map((name, nth) => defaultsOf(name, nth < 4 ? 'http2' : protocol));
  const runs = (): Promise<readonly Run[]> =>
    Promise.all([
      once(one.client, objectsOf('http'), settingsOf('east')),
      once(two.client, objectsOf('grpc'), settingsOf('west')),
    ]);
  const owners = async (): Promise<readonly (string | undefined)[]> =>
    Promise.all(
      names.map(async (name) => {
        const entry = await consul.call('GET', `/v1/config/service-defaults/${name}`);
        return (entry as { readonly Meta?: Record<string, string> }).Meta?.['tandem-owner'];
      }),
    );
  await runs();
  const first = await owners();
  for (const owner of first) assert.match(owner ?? '', /^(east|west)$/);
  const writes = (): number =>
    [...one.sent, ...two.sent].filter(({ endpoint }) => endpoint === 'config-write').length;
  const before = writes();
  const [east, west] = await runs();
  assert.equal(writes(), before, 'nobody writes again');
  for (const [nth, owner] of first.entries()) {
    const loser = (owner === 'east' ? west : east)?.states[nth];
    const winner = (owner === 'east' ? east : west)?.states[nth];
    assert.deepEqual([winner, loser], ['synced', nth < 4 ? 'elsewhere' : 'ExternallyManagedConfigError']);
  }
  // The one cluster gives all up, and the other one gets what it has objects for.
  await once(one.client, [], settingsOf('east'));
  await once(two.client, objectsOf('grpc'), settingsOf('west'));
  assert.deepEqual(new Set(await owners()), new Set(['west']));
  await once(two.client, [], settingsOf('west'));
});

test('in a secondary datacenter entries are read in the primary, written once, and not again', async () => {
  const [wan = 0, otherWan = 0] = await freePorts(2);
  const of = (datacenter: string, serf_wan: number, more: object = {}): Promise<Consul> =>
    startConsul(scene, {
      configuration: { datacenter, primary_datacenter: 'dc1', ports: { serf_wan }, ...more },
    });
  const [first, second] = await Promise.all([
    of('dc1', wan),
    of('dc2', otherWan, { retry_join_wan: [`127.0.0.1:${wan}`], retry_interval_wan: '1s' }),
  ]);
  const { client, sent } = await open(second);
  const signal = AbortSignal.timeout(60_000);
  const nothing = { datacenter: undefined, primaryDatacenter: undefined };
  const { datacenter, primary } = await consulDatacentersOnce(client, nothing, signal);
  assert.deepEqual([datacenter, primary], ['dc2', 'dc1']);
  await eventually('the primary answers through the secondary', () =>
    second.call('GET', '/v1/config/service-defaults?dc=dc1'),
  );
  const web = (protocol: string) => [defaultsOf('web', protocol)];
  const ofTwo = { ...settingsOf('two'), datacenter };
  const writes = (): number => sent.filter(({ endpoint }) => endpoint === 'config-write').length;
  for (const [nth, protocol] of ['http', 'grpc', 'http'].entries()) {
    await once(client, web(protocol), ofTwo, primary);
    const entry = (await first.call('GET', '/v1/config/service-defaults/web')) as { Protocol: string };
    assert.equal(entry.Protocol, protocol);
    assert.equal(writes(), nth + 1);
  }
  await once(client, web('http'), ofTwo, primary);
  assert.equal(writes(), 3, 'nothing has changed');
  await once(client, [], ofTwo, primary);
  assert.deepEqual(await first.call('GET', '/v1/config/service-defaults'), []);
});
