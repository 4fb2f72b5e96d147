/** `tandem sync`, logged in with the rights of one direction: all of them are enough, and each that is missing is named. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { aclObjects } from '../../../src/secure/acl-objects.ts';
import type { SyncDirection } from '../../../src/secure/secure-settings.ts';
import { newWorld, settle, SETTINGS } from '../../unit/secure/secure-world.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { eventually } from '../harness/eventually.ts';
import type { Scene } from '../harness/scene.ts';
import { startTandemSync, type TandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { placedPods } from '../registrar/placed-pods.ts';
import { DNS_PORT, NAME, NAMESPACE, type Loop, type SecureScene, type StartedAgent } from './secure-scene.ts';

type Parts = {
  readonly scene: Scene;
  readonly secure: SecureScene;
  readonly server: StartedAgent;
  readonly client: StartedAgent;
  /** The token with all rights; no loop is there that puts anything back. */
  readonly token: string;
};

type Direction = {
  readonly direction: SyncDirection;
  readonly flags: readonly string[];
  readonly prepare?: () => Promise<unknown>;
  /** Something new for it to do, on a node that is not there yet, and whether it is done. */
  readonly work: (name: string) => Promise<() => Promise<void>>;
  /** Rule → what is said without it. */
  readonly says: Readonly<Record<string, RegExp>>;
};

/** @param directions all of them unless told; those of the registrar take a webhook each */
export function everyRuleIsNeeded(parts: Parts, directions?: readonly SyncDirection[]): void {
  const all = directionsOf(parts);
  for (const each of all.filter(({ direction }) => directions?.includes(direction) ?? true))
    test(`${each.direction}: the rules are enough, and each that is missing is named`, async (context) => {
      const policy = rulesOf(parts, each.direction);
      await policy.set(policy.rules);
      await each.prepare?.();
      const sync = await startSync(parts, each.flags);
      try {
        const done = await each.work(`${each.direction}-all`);
        await eventually('it is done', done);
        assert.doesNotMatch(sync.process.log(), /ermission denied|does not show|forbidden/);
        for (const [at, rule] of policy.rules.entries()) {
          const position = sync.process.position();
          await policy.set(policy.rules.filter((other) => other !== rule));
          const doneLater = await each.work(`${each.direction}-${at}`);
          const line = await eventually(rule, async () => {
            const lines = sync.process.log(position).split('\n');
            const named = lines.find((one) => each.says[rule]?.test(one));
            assert.ok(named !== undefined, `${rule}: ${lines.slice(-5).join('\n')}`);
            return named;
          });
          context.diagnostic(`${rule}: ${line.slice(0, 400)}`);
          await policy.set(policy.rules);
          await eventually('it is done with the rule', doneLater);
        }
      } finally {
        await sync.process.stop();
      }
    });
}

/** Consul itself names nobody: who misses a rule of the token of DNS finds nothing, and the log of an agent names the agent alone. */
export function everyAgentRuleIsNeeded({ secure, server, client, token }: Parts): void {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`${server.address}:${DNS_PORT}`]);
  const answers = async (): Promise<number> => {
    const found = await resolver.resolve4('consul.service.consul').catch(() => []);
    return found.length;
  };
  test('dns: without one of its rules nothing is found', async () => {
    await eventually('the servers', async () => assert.equal(await answers(), 3));
    const policy = policyOf({ secure, server, token }, `tandem-${NAME}-dns`);
    const rules = await policy.read();
    assert.equal(rules.length, 2);
    for (const rule of rules) {
      await policy.write(rules.filter((other) => other !== rule));
      await eventually(rule, async () => assert.equal(await answers(), 0));
      await policy.write(rules);
      await eventually('with it', async () => assert.equal(await answers(), 3));
    }
  });

  test('agent: without the right to write nodes an agent says that its updates are blocked', async (context) => {
    const policy = policyOf({ secure, server, token }, `tandem-${NAME}-agent`);
    const rules = await policy.read();
    const position = client.process().position();
    await policy.write(rules.filter((rule) => !rule.startsWith('node_prefix')));
    const line = await eventually('its log', async () => {
      const said = /^.*update blocked by ACLs.*$/m.exec(client.process().log(position));
      assert.ok(said);
      return said[0];
    });
    context.diagnostic(line);
    await policy.write(rules);
  });
}

/** The one rule that nobody names who misses it: what Consul has of a node, and its agent has not, stays. */
export function agentSeesItsServices({ secure, server, client, token }: Parts): void {
  test('agent: without the right to read services, one that it has forgotten stays in Consul', async () => {
    const policy = policyOf({ secure, server, token }, `tandem-${NAME}-agent`);
    const rules = await policy.read();
    await policy.write(rules.filter((rule) => !rule.startsWith('service_prefix')));
    const [Node, forgotten] = [client.pod, 'forgotten'];
    const body = {
      Node,
      Address: client.address,
      SkipNodeUpdate: true,
      Service: { Service: forgotten },
      Check: { Node, CheckID: forgotten, Name: forgotten, Status: 'passing' },
    };
    const { status, text } = await secure.ask(server, 'PUT', '/v1/catalog/register', { token, body });
    assert.equal(status, 200, text);
    const count = async (path: string): Promise<number> => {
      const { json } = await secure.ask(server, 'GET', path, { token });
      return (json as readonly Readonly<Record<string, unknown>>[]).filter((each) =>
        [each['CheckID'], each['ServiceName']].includes(forgotten),
      ).length;
    };
    const services = `/v1/catalog/service/${forgotten}`;
    // The check belongs to the node, and goes with the next look of the agent at both.
    await eventually('its check is gone', async () =>
      assert.equal(await count(`/v1/health/node/${Node}`), 0),
    );
    assert.equal(await count(services), 1);
    await policy.write(rules);
    await eventually('with the right it goes', async () => assert.equal(await count(services), 0));
  });
}

/** While the loop runs: each rule of each of its policies that somebody takes away is put back, and named. */
export function everyRuleIsPutBack(
  parts: Pick<Parts, 'secure' | 'server' | 'token'>,
  loop: () => Loop,
): void {
  test('each rule of each policy that is taken away is named and put back', async (context) => {
    const { json } = await parts.secure.ask(parts.server, 'GET', '/v1/acl/policies', { token: parts.token });
    const names = (json as readonly { readonly Name: string }[]).map(({ Name }) => Name);
    const ours = names.filter((name) => name.startsWith('tandem-')).map((name) => policyOf(parts, name));
    const all = await Promise.all(ours.map(async (policy) => ({ policy, rules: await policy.read() })));
    let count = 0;
    for (let at = 0; all.some(({ rules }) => at < rules.length); at += 1) {
      const turn = all.filter(({ rules }) => at < rules.length);
      const position = loop().process.position();
      for (const { policy, rules } of turn) await policy.write(rules.toSpliced(at, 1));
      for (const { policy, rules } of turn) {
        await eventually(policy.name, async () => assert.deepEqual(await policy.read(), rules));
        const done = new RegExp(
          `"step":"put","reason":"different","object":"policy/${policy.name}".*a step is done`,
        );
        await eventually(`${policy.name} in the log`, async () =>
          assert.match(loop().process.log(position), done),
        );
        count += 1;
      }
    }
    context.diagnostic(`${count} rules of ${all.length} policies`);
  });
}

function policyOf({ secure, server, token }: Pick<Parts, 'secure' | 'server' | 'token'>, name: string) {
  const seen = async () => {
    const { json } = await secure.ask(server, 'GET', `/v1/acl/policy/name/${name}`, { token });
    return json as Readonly<Record<'ID' | 'Name' | 'Description' | 'Rules', string>>;
  };
  return {
    name,
    read: async (): Promise<readonly string[]> => (await seen()).Rules.split('\n'),
    write: async (rules: readonly string[]): Promise<void> => {
      const { ID, Name, Description } = await seen();
      const body = { ID, Name, Description, Rules: rules.join('\n') };
      const { status, text } = await secure.ask(server, 'PUT', `/v1/acl/policy/${ID}`, { token, body });
      assert.equal(status, 200, text);
    },
  };
}

const EARLIER = { Node: 'earlier', Address: '127.0.0.1' };

function directionsOf(parts: Parts): readonly Direction[] {
  const { scene, secure, server, client, token } = parts;
  const { api } = secure;
  const cluster = clusterObjects(api);
  const inConsul = async (service: string): Promise<void> => {
    const { json } = await secure.ask(server, 'GET', `/v1/catalog/service/${service}`, { token });
    assert.equal((json as unknown[]).length, 1, service);
  };
  const serviceWrite = /service:write|service_prefix/;
  const inCatalog = (what: 'register' | 'deregister', body: object): Promise<unknown> =>
    secure.ask(server, 'PUT', `/v1/catalog/${what}`, { token, body });
  const injects = (mode: 'agent' | 'dataplane') => async () => {
    await api.createNamespace(`mesh-${mode}`);
    await startWebhook(scene, api, `mesh-${mode}`, [`--proxy-mode=${mode}`, '--owner=east']);
  };
  const place = (namespace: string) => async (name: string) => {
    const annotations = { 'connect-service': name };
    const options = { node: name, hostIp: client.address, isInitialized: true, annotations };
    await placedPods(api, namespace).create(name, options);
    return () => inConsul(name);
  };
  return [
    {
      direction: 'to-consul',
      // Without an adoption it needs no node but its own.
      flags: ['--adopt', '--adopt-nodes=earlier'],
      prepare: () => inCatalog('register', { ...EARLIER, Service: { Service: 'left', Port: 80 } }),
      work: async (name) => {
        await inCatalog('deregister', { Node: 'k8s-sync-east' });
        await cluster.service(name, {
          type: 'ExternalName',
          externalName: 'web.example.com',
          ports: [{ port: 80 }],
        });
        return () => inConsul(name);
      },
      says: {
        'node "k8s-sync-east" { policy = "write" }': /node:write|node \\*"k8s-sync-east/,
        'node_prefix "" { policy = "read" }': /node \\*"earlier/,
        'service_prefix "" { policy = "write" }': serviceWrite,
      },
    },
    {
      direction: 'to-kubernetes',
      flags: ['--to-consul=false', '--to-k8s', '--k8s-write-namespace=from-consul'],
      prepare: () => api.createNamespace('from-consul'),
      work: async (name) => {
        await inCatalog('register', {
          Node: name,
          Address: '10.60.0.1',
          Service: { Service: name, Port: 80 },
        });
        return async () => {
          await api.admin.expect('GET', `/api/v1/namespaces/from-consul/services/${name}`);
        };
      },
      says: {
        'node_prefix "" { policy = "read" }': /node_prefix|node:read/,
        'service_prefix "" { policy = "read" }': /service_prefix|service:read/,
      },
    },
    {
      direction: 'registrar-dataplane',
      flags: ['--to-consul=false', '--registrar'],
      prepare: injects('dataplane'),
      work: place('mesh-dataplane'),
      says: {
        'node_prefix "k8s-east-" { policy = "write" }': /node:write|node_prefix \\*"k8s-east-/,
        'node_prefix "" { policy = "read" }': /node_prefix|node:read/,
        'service_prefix "" { policy = "write" }': serviceWrite,
      },
    },
    {
      direction: 'registrar-agent',
      flags: [
        '--to-consul=false',
        '--registrar',
        '--agent-tls',
        '--agent-http-port=8501',
        '--agent-tls-server-name=agent.dc1.consul',
      ],
      prepare: injects('agent'),
      work: place('mesh-agent'),
      says: {
        'node_prefix "" { policy = "read" }': /node_prefix|node:read/,
        'service_prefix "" { policy = "write" }': serviceWrite,
      },
    },
  ];
}

/** The rules as the loop would write them, in a policy that is all that the role of the sync has. */
function rulesOf({ secure, server, token }: Parts, direction: SyncDirection) {
  const world = newWorld();
  settle(world);
  assert.ok(world.state);
  const objects = aclObjects({ ...SETTINGS, syncDirections: [direction] }, world.state);
  const policy = objects.find(({ name }) => name.includes(`sync-${direction}`));
  const rules = String(policy?.body['Rules']).split('\n');
  const Name = `one-${direction}`;
  return {
    rules,
    set: async (kept: readonly string[]): Promise<void> => {
      const { json } = await secure.ask(server, 'GET', `/v1/acl/policy/name/${Name}`, { token });
      const { ID } = (json ?? {}) as { readonly ID?: string };
      const path = ID === undefined ? '/v1/acl/policy' : `/v1/acl/policy/${ID}`;
      const body = { ID, Name, Rules: kept.join('\n') };
      const answer = await secure.ask(server, 'PUT', path, { token, body });
      assert.equal(answer.status, 200, answer.text);
      const role = await secure.ask(server, 'GET', `/v1/acl/role/name/tandem-${NAME}-sync`, { token });
      const { ID: id, ...rest } = role.json as { readonly ID: string };
      const changed = { ...rest, ID: id, Policies: [{ Name }] };
      const given = await secure.ask(server, 'PUT', `/v1/acl/role/${id}`, { token, body: changed });
      assert.equal(given.status, 200, given.text);
    },
  };
}

async function startSync({ scene, secure, server }: Parts, flags: readonly string[]): Promise<TandemSync> {
  const [ca, bearer] = ['sync-ca.pem', 'sync-token'].map((name) => join(scene.folder, name));
  const { data } = await secure.api.admin.expect(
    'GET',
    `/api/v1/namespaces/${NAMESPACE}/configmaps/${NAME}-consul-ca`,
  );
  writeFileSync(ca ?? '', (data as { readonly 'ca.crt': string })['ca.crt']);
  const jwt = await secure.api.serviceAccountToken(NAMESPACE, `${NAME}-sync`);
  writeFileSync(bearer ?? '', jwt, { mode: 0o600 });
  return startTandemSync(scene, secure.api, { url: `https://${server.address}:8501` }, [
    `--consul-ca-file=${ca}`,
    '--consul-tls-server-name=server.dc1.consul',
    `--consul-auth-method=tandem-${NAME}-k8s-component-auth-method`,
    `--consul-bearer-token-file=${bearer}`,
    '--owner=east',
    '--resync=10',
    ...flags,
  ]);
}
