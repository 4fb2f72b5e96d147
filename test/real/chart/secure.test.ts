/** A secure Consul by one value: what the agents run, and how everything else reaches them, by stage. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import { secureCommand } from '../../../src/cli/secure-command.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { NOTHING_BROUGHT } from '../../../src/secure/secure-settings.ts';
import { at, refusal, renderChart, type Rendered } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { partPath } from '../parts.ts';

const scene = await startScene(['helm', 'consul']);
const STAGES = ['accept', 'prefer', 'require'] as const;
const AGENTS = ['server', 'client'] as const;

const secured = (stage: string | boolean, values: object = {}): Promise<Rendered> =>
  renderChart({ ...values, global: { secure: stage, ...(at(values, 'global') as object) } });

function files(chart: Rendered, part: (typeof AGENTS)[number]): Readonly<Record<string, string>> {
  return at(chart.one('ConfigMap', `tandem-${part}`), 'data') as Readonly<Record<string, string>>;
}

function stageOf(chart: Rendered, part: (typeof AGENTS)[number]): unknown {
  return JSON.parse(files(chart, part)['stage.json'] ?? '');
}

function container(chart: Rendered, kind: string, name: string): unknown {
  return at(chart.one(kind, name), 'spec', 'template', 'spec', 'containers', 0);
}

function argument(chart: Rendered, deployment: string, flag: string): string | undefined {
  const args = at(container(chart, 'Deployment', deployment), 'args') as readonly string[];
  return args.find((each) => each.startsWith(`${flag}=`))?.slice(flag.length + 1);
}

test('what the agents run, stage by stage', async () => {
  const found = await Promise.all(
    STAGES.map(async (stage) => {
      const chart = await secured(stage);
      const [server, client] = [stageOf(chart, 'server'), stageOf(chart, 'client')];
      return {
        gossip: [at(server, 'encrypt_verify_outgoing'), at(server, 'encrypt_verify_incoming')],
        acl: [at(server, 'acl', 'default_policy'), at(client, 'acl', 'down_policy')],
        ports: [at(client, 'ports', 'https'), at(client, 'ports', 'grpc_tls'), at(client, 'ports', 'grpc')],
        http: at(server, 'addresses', 'http'),
        outgoing: [
          at(server, 'tls', 'defaults', 'verify_outgoing'),
          at(client, 'tls', 'internal_rpc', 'verify_server_hostname'),
        ],
        incoming: [
          at(server, 'tls', 'internal_rpc', 'verify_incoming'),
          at(client, 'tls', 'internal_rpc', 'verify_incoming'),
        ],
        autoEncrypt: [at(server, 'auto_encrypt', 'allow_tls'), at(client, 'auto_encrypt', 'tls')],
      };
    }),
  );
  const none = undefined;
  assert.deepEqual(found, [
    {
      gossip: [false, false],
      acl: ['allow', 'extend-cache'],
      ports: [8501, 8503, none],
      http: none,
      outgoing: [false, false],
      incoming: [false, none],
      autoEncrypt: [true, none],
    },
    {
      gossip: [true, false],
      acl: ['allow', 'extend-cache'],
      ports: [8501, 8503, none],
      http: none,
      outgoing: [true, true],
      incoming: [false, none],
      autoEncrypt: [true, true],
    },
    {
      gossip: [true, true],
      acl: ['deny', 'extend-cache'],
      ports: [8501, 8503, -1],
      http: '127.0.0.1',
      outgoing: [true, true],
      incoming: [true, none],
      autoEncrypt: [true, true],
    },
  ]);
  assert.deepEqual(stageOf(await secured(true), 'server'), stageOf(await secured('require'), 'server'));
});

test('the real Consul takes the configuration of every stage, in either way of the certificates of clients', async () => {
  const ca = await generateCa(Date.now());
  const leaf = generateServing(ca, ['server.dc1.consul', 'agent.dc1.consul'], Date.now());
  for (const stage of STAGES)
    for (const enableAutoEncrypt of [true, false])
      for (const part of AGENTS) {
        const chart = await secured(stage, { global: { tls: { enableAutoEncrypt } } });
        const folder = join(scene.folder, [stage, part, enableAutoEncrypt].join('-'));
        for (const each of ['config', 'secrets']) mkdirSync(join(folder, each), { recursive: true });
        const write = (path: string, text: string): void =>
          writeFileSync(join(folder, path), text.replaceAll('/consul/', `${folder}/`));
        for (const [name, text] of Object.entries(files(chart, part))) write(`config/${name}`, text);
        write('secrets/ca.crt', ca.certificate);
        write('secrets/tls.crt', leaf.certificate);
        write('secrets/tls.key', leaf.key);
        const encrypt = randomBytes(32).toString('base64');
        const node_meta = { 'tandem-secrets': '1' };
        write('secrets/tandem.json', JSON.stringify({ encrypt, node_meta, advertise_addr: '127.0.0.1' }));
        const { stdout } = await promisify(execFile)(partPath('consul'), [
          'validate',
          join(folder, 'config'),
          join(folder, 'secrets/tandem.json'),
        ]);
        assert.match(stdout, /Configuration is valid!/, `${stage} ${part}`);
      }
});

test('agents get what is secret in one folder, and each file of the configuration by itself', async () => {
  const chart = await secured(true);
  for (const [kind, part] of [
    ['StatefulSet', 'server'],
    ['DaemonSet', 'client'],
  ] as const) {
    const mounts = at(container(chart, kind, `tandem-${part}`), 'volumeMounts') as readonly object[];
    assert.deepEqual(
      mounts.filter((each) => at(each, 'name') === 'config').map((each) => at(each, 'subPath')),
      [`${part}.json`, 'stage.json', 'user.json'],
    );
    const secrets = mounts.filter((each) => at(each, 'name') === 'secrets');
    assert.deepEqual(
      secrets.map((each) => [at(each, 'mountPath'), at(each, 'subPath')]),
      [['/consul/secrets', undefined]],
    );
    const args = at(container(chart, kind, `tandem-${part}`), 'args') as readonly string[];
    assert.ok(args.includes('-config-file=/consul/secrets/tandem.json'));
    const volumes = at(chart.one(kind, `tandem-${part}`), 'spec', 'template', 'spec', 'volumes') as object[];
    assert.equal(
      at(
        volumes.find((each) => at(each, 'name') === 'secrets'),
        'secret',
        'secretName',
      ),
      `tandem-${part}-secrets`,
    );
  }
});

test('webhook, sync, registrar and tests follow in prefer, in both modes of the pods', async () => {
  for (const client of [true, false])
    for (const [stage, follows] of [
      [false, false],
      ['accept', false],
      ['prefer', true],
      ['require', true],
    ] as const) {
      const chart = await secured(stage, { client: { enabled: client } });
      const expected = (value: string): string | undefined => (follows ? value : undefined);
      const ofPods = 'tandem-tandem-k8s-auth-method';
      const place = `${stage} ${client}`;
      assert.equal(argument(chart, 'tandem-webhook', '--consul-auth-method'), expected(ofPods), place);
      assert.equal(argument(chart, 'tandem-sync', '--pod-auth-method'), expected(ofPods), place);
      // What runs was injected for the stage before.
      assert.equal(
        argument(chart, 'tandem-sync', '--require-pod-login'),
        stage === 'prefer' ? 'false' : undefined,
        place,
      );
      // tandem secure deletes them.
      assert.equal(argument(chart, 'tandem-sync', '--delete-pod-tokens'), expected('false'), place);
      const name = client ? 'agent.dc1.consul' : 'server.dc1.consul';
      assert.equal(argument(chart, 'tandem-webhook', '--consul-tls-server-name'), expected(name), place);
      const port = client ? { http: '8500', tls: '8501' } : { http: undefined, tls: undefined };
      assert.equal(
        argument(chart, 'tandem-webhook', '--consul-http-port'),
        follows ? port.tls : port.http,
        place,
      );
      assert.equal(argument(chart, 'tandem-webhook', '--consul-grpc-port'), follows ? '8503' : '8502');
      assert.equal(
        argument(chart, 'tandem-sync', '--consul-auth-method'),
        expected('tandem-tandem-k8s-component-auth-method'),
      );
      assert.equal(
        argument(chart, 'tandem-sync', '--consul-ca-file'),
        expected('/etc/tandem/consul-ca/ca.crt'),
      );
      assert.match(
        argument(chart, 'tandem-sync', '--consul-http-addr') ?? '',
        follows ? /^https:\/\/tandem-server-0\.tandem-server:8501,/ : /^tandem-server-0\.tandem-server:8500,/,
      );
      const [port0] = at(chart.one('Service', 'tandem-ui'), 'spec', 'ports') as readonly object[];
      assert.equal(at(port0, 'name'), follows ? 'https' : 'http');
    }
});

test('no node offers a plain port in require, and both kinds before', async () => {
  const ports = async (stage: string | boolean, tls: object = {}): Promise<readonly unknown[]> => {
    const chart = await secured(stage, { global: { tls } });
    const listed = at(container(chart, 'DaemonSet', 'tandem-client'), 'ports') as readonly object[];
    return listed.map((each) => at(each, 'hostPort')).filter((each) => each !== undefined && each !== 8301);
  };
  assert.deepEqual(await ports(false), [8500, 8502]);
  assert.deepEqual(await ports('accept'), [8500, 8502, 8501, 8503]);
  assert.deepEqual(await ports('require'), [8501, 8503]);
  assert.deepEqual(await ports('require', { httpsOnly: false }), [8500, 8502, 8501, 8503]);
  const probe = at(
    container(await secured(true), 'StatefulSet', 'tandem-server'),
    'livenessProbe',
    'tcpSocket',
    'port',
  );
  assert.equal(probe, 'https');
});

test('each part has a switch of its own, and a part without it stays out', async () => {
  const partsOf = async (global: object): Promise<unknown> => {
    const chart = await renderChart({ global });
    return at(chart.one('StatefulSet', 'tandem-server'), 'metadata', 'annotations', 'tandem/secure-stages');
  };
  assert.equal(
    await partsOf({ secure: 'prefer', tls: { verify: false } }),
    'gossip=prefer tls=accept acls=prefer',
  );
  assert.equal(
    await partsOf({ secure: true, tls: { enabled: false } }),
    'gossip=require tls=off acls=require',
  );
  assert.equal(await partsOf({ acls: { manageSystemACLs: true } }), 'gossip=off tls=off acls=require');
  const brought = { secure: 'accept', gossipEncryption: { secretName: 'gossip', secretKey: 'key' } };
  assert.equal(await partsOf(brought), 'gossip=require tls=accept acls=accept');
  assert.equal(await partsOf({}), undefined);
  const chart = await renderChart({ global: { acls: { manageSystemACLs: true } } });
  assert.equal(argument(chart, 'tandem-webhook', '--consul-http-port'), '8500');
  assert.equal(argument(chart, 'tandem-webhook', '--consul-auth-method'), 'tandem-tandem-k8s-auth-method');
});

test('the account whose token Consul has stays when the ACLs or the release go, as the state of Consul does', async () => {
  const account = (await renderChart({ global: { secure: true } })).one(
    'ServiceAccount',
    'tandem-auth-method',
  );
  assert.equal(at(account, 'metadata', 'annotations', 'helm.sh/resource-policy'), 'keep');
});

test('tandem secure takes its settings, and gets every value', async () => {
  const settings = async (values: object): Promise<Readonly<Record<string, unknown>>> => {
    const chart = await renderChart(values);
    const { args, env } = container(chart, 'Deployment', 'tandem-secure') as {
      readonly args: readonly string[];
      readonly env: readonly { readonly name: string; readonly value?: string }[];
    };
    assert.deepEqual(args, ['secure']);
    const environment = Object.fromEntries(env.map(({ name, value = 'tandem' }) => [name, value]));
    const { flags, check } = secureCommand;
    const parsed = parseFlags(flags, [], environment);
    assert.deepEqual(parsed.ok ? (check?.(parsed.values) ?? []) : parsed.problems, []);
    return parsed.values;
  };
  const plain = await settings({ global: { secure: true } });
  assert.deepEqual(
    ['name', 'stage', 'gossip', 'tls', 'acls', 'syncDirections', 'podAuthMethod'].map((key) => plain[key]),
    ['tandem', 'require', true, true, true, ['to-consul', 'registrar-agent', 'config-entries'], true],
  );
  const every = await settings({
    global: {
      secure: 'prefer',
      owner: 'east',
      datacenter: 'dc2',
      domain: 'mesh',
      tls: { serverAdditionalDNSSANs: ['a.example'], serverAdditionalIPSANs: ['10.0.0.1'] },
      gossipEncryption: { autoGenerate: false },
      acls: { createReplicationToken: true },
    },
    client: { enabled: false },
    syncCatalog: { toK8S: true, consulPrefix: 'p-' },
    connectInject: { aclBindingRuleSelector: 'serviceaccount.name==a' },
    ui: { aclToken: { enabled: true } },
    secure: { logLevel: 'debug' },
  });
  const ca = { caCert: { secretName: 'my-ca' }, caKey: { secretName: 'my-key' } };
  const brought = await settings({ global: { secure: true, tls: ca } });
  assert.deepEqual(brought['brought'], {
    ...NOTHING_BROUGHT,
    ca: { secret: 'my-ca', key: 'tls.crt' },
    caKey: { secret: 'my-key', key: 'tls.key' },
  });
  const expected = {
    stage: 'prefer',
    owner: 'east',
    datacenter: 'dc2',
    domain: 'mesh',
    serverNames: ['a.example', '10.0.0.1'],
    gossip: false,
    clientSelector: '',
    syncDirections: ['to-consul', 'to-kubernetes', 'registrar-dataplane', 'config-entries'],
    consulPrefix: 'p-',
    bindingRuleSelector: 'serviceaccount.name==a',
    uiToken: true,
    replicationToken: true,
    logLevel: 'debug',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, every[key]])), expected);
});

test('of external servers only the ACLs are kept: with the token of the operator, and the owner behind each name', async () => {
  const chart = await renderChart(externalAcls());
  const { env, volumeMounts } = container(chart, 'Deployment', 'tandem-secure') as {
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly volumeMounts: unknown;
  };
  const { flags, check } = secureCommand;
  const environment = Object.fromEntries(env.map(({ name, value = 'tandem' }) => [name, value]));
  const parsed = parseFlags(flags, [], environment);
  assert.deepEqual(parsed.ok ? (check?.(parsed.values) ?? []) : parsed.problems, []);
  const expected = {
    externalServers: ['https://a:8501', 'https://b:8501'],
    serverSelector: undefined,
    clientSelector: '',
    gossip: false,
    tls: false,
    acls: true,
    owner: 'east',
    consulCaFile: '/etc/tandem/consul-ca/tls.crt',
    consulTlsServerName: 'server.dc1.consul',
    bootstrapTokenSecret: 'mine',
    bootstrapTokenKey: 'secret',
    authMethodHost: 'https://api.example.com:6443',
  };
  const values: Readonly<Record<string, unknown>> = parsed.values;
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, values[key]])), expected);
  assert.deepEqual(volumeMounts, [{ name: 'consul-ca', mountPath: '/etc/tandem/consul-ca', readOnly: true }]);
  assert.equal(
    argument(chart, 'tandem-webhook', '--consul-auth-method'),
    'tandem-tandem-k8s-auth-method-east',
  );
  assert.equal(
    argument(chart, 'tandem-sync', '--consul-auth-method'),
    'tandem-tandem-k8s-component-auth-method-east',
  );
  const rules = at(chart.one('Role', 'tandem-secure'), 'rules') as readonly object[];
  const ofSecrets = (name: string): unknown =>
    at(
      rules.find((rule) => (at(rule, 'resourceNames') as readonly string[] | undefined)?.includes(name)),
      'verbs',
    );
  assert.deepEqual(ofSecrets('mine'), ['get', 'list', 'watch']);
  assert.equal(ofSecrets('tandem-server-secrets'), undefined);
});

test('tandem secure may read and write what is on, and nothing else by name', async () => {
  const named = async (values: object): Promise<readonly string[]> => {
    const chart = await renderChart(values);
    const rules = at(chart.one('Role', 'tandem-secure'), 'rules') as readonly object[];
    const secrets = rules.filter((rule) => at(rule, 'resources', 0) !== 'leases');
    return [
      ...new Set(secrets.flatMap((rule) => (at(rule, 'resourceNames') ?? []) as readonly string[])),
    ].map((name) => name.replace('tandem-', ''));
  };
  const always = ['secure', 'server-secrets'];
  assert.deepEqual(await named({ global: { secure: true }, client: { enabled: false } }), [
    ...always,
    'bootstrap-acl-token',
    'consul-ca',
    'auth-method',
  ]);
  const tokens = { global: { secure: true, acls: { createReplicationToken: true } } };
  assert.deepEqual(await named({ ...tokens, ui: { aclToken: { enabled: true } } }), [
    ...always,
    'client-secrets',
    'bootstrap-acl-token',
    'ui-acl-token',
    'acl-replication-acl-token',
    'consul-ca',
    'auth-method',
  ]);
  const gossipAlone = { gossipEncryption: { autoGenerate: true } };
  assert.deepEqual(await named({ global: gossipAlone }), [...always, 'client-secrets']);
});

test('the plan may list the pods of the sync, also where nothing is injected and no agent runs', async () => {
  const [values, off] = [externalAcls(), { enabled: false }];
  const ofPods = async (more: object): Promise<readonly unknown[]> => {
    const { objects } = await renderChart({ ...values, ...more });
    return objects
      .filter(({ kind, metadata }) => kind?.endsWith('Role') && metadata.name === 'tandem-secure')
      .flatMap((role) => at(role, 'rules') as readonly object[])
      .filter((rule) => at(rule, 'resources', 0) === 'pods')
      .map((rule) => at(rule, 'verbs'));
  };
  assert.deepEqual(await ofPods({}), [['list', 'watch']]);
  assert.deepEqual(await ofPods({ connectInject: off }), [['list']]);
});

test('helm test may do what its tests do', async () => {
  const rights = async (values: object): Promise<readonly unknown[]> => {
    const { objects } = await renderChart(values);
    const roles = objects.filter(({ kind, metadata }) => kind === 'Role' && metadata.name === 'tandem-test');
    return roles.flatMap((role) =>
      (at(role, 'rules') as readonly object[]).map((rule) => at(rule, 'resources', 0)),
    );
  };
  const off = { enabled: false };
  assert.deepEqual(await rights({}), ['pods', 'services']);
  assert.deepEqual(await rights({ syncCatalog: off }), ['pods']);
  assert.deepEqual(await rights({ connectInject: off }), ['services']);
  assert.deepEqual(await rights({ syncCatalog: off, tests: { namespace: 'tandem' } }), []);
});

test('with jwt, pods log in by a token of its audience, and tandem secure may read the keys', async () => {
  const chart = await secured(true, {
    connectInject: { authMethodType: 'jwt', k8sAllowNamespaces: ['a', 'b'], k8sDenyNamespaces: ['c'] },
  });
  assert.equal(
    argument(chart, 'tandem-webhook', '--consul-auth-method'),
    'tandem-tandem-k8s-jwt-auth-method',
  );
  assert.equal(argument(chart, 'tandem-webhook', '--consul-auth-audience'), 'consul');
  const { env } = container(chart, 'Deployment', 'tandem-secure') as { readonly env: readonly object[] };
  const variable = (name: string): unknown =>
    at(
      env.find((each) => at(each, 'name') === `TANDEM_${name}`),
      'value',
    );
  assert.deepEqual(['AUTH_METHOD_TYPE', 'ALLOW_NAMESPACES', 'DENY_NAMESPACES'].map(variable), [
    'jwt',
    'a,b',
    'c',
  ]);
  const rules = at(chart.one('ClusterRole', 'tandem-secure'), 'rules') as readonly object[];
  assert.ok(rules.some((rule) => at(rule, 'nonResourceURLs') !== undefined));
});

function externalAcls(): object {
  return {
    global: {
      owner: 'east',
      tls: { enabled: true, caCert: { secretName: 'ca' } },
      acls: { manageSystemACLs: true, bootstrapToken: { secretName: 'mine', secretKey: 'secret' } },
    },
    server: { enabled: false },
    client: { enabled: false },
    connectInject: { serverAddresses: 'consul.example.com' },
    externalServers: {
      enabled: true,
      hosts: ['a', 'b'],
      tlsServerName: 'server.dc1.consul',
      k8sAuthMethodHost: 'https://api.example.com:6443',
    },
  };
}

test('what is brought reaches tandem secure by name, and it may read that and nothing else', async () => {
  const values = {
    global: {
      secure: 'prefer',
      gossipEncryption: { secretName: 'my-gossip', secretKey: 'key' },
      tls: { caCert: { secretName: 'my-ca', secretKey: 'ca.pem' } },
    },
    server: { serverCert: { secretName: 'my-server' } },
    client: { cert: { secretName: 'my-client' } },
  };
  const chart = await renderChart(values);
  const { env } = container(chart, 'Deployment', 'tandem-secure') as {
    readonly env: readonly { readonly name: string; readonly value?: string }[];
  };
  const given = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  assert.equal(
    given['TANDEM_BROUGHT'],
    'gossip=my-gossip/key,ca=my-ca/ca.pem,server=my-server,client=my-client',
  );
  const rules = at(chart.one('Role', 'tandem-secure'), 'rules') as readonly object[];
  const brought = rules.find((rule) =>
    (at(rule, 'resourceNames') as readonly string[] | undefined)?.includes('my-ca'),
  );
  assert.deepEqual(brought, {
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: ['my-gossip', 'my-ca', 'my-server', 'my-client'],
    verbs: ['get', 'list', 'watch'],
  });
  // The key comes by the Secret that tandem secure writes, so no init container reads it.
  assert.equal(
    at(chart.one('StatefulSet', 'tandem-server'), 'spec', 'template', 'spec', 'initContainers'),
    undefined,
  );
  assert.equal(at(stageOf(chart, 'server'), 'encrypt_verify_incoming'), true);
});

test('every stage, in both modes of the pods, with each part that is brought, gives settings that tandem secure takes', async () => {
  const own = { gossipEncryption: { secretName: 'my-gossip', secretKey: 'key' } };
  const caCert = { secretName: 'my-ca' };
  const parts: Readonly<Record<string, (client: boolean) => object>> = {
    nothing: () => ({}),
    gossip: () => ({ global: own }),
    ca: () => ({ global: { tls: { caCert, caKey: caCert } } }),
    leaves: (client) => ({
      global: { tls: { caCert } },
      server: { serverCert: { secretName: 'my-server' } },
      client: client ? { cert: { secretName: 'my-client' } } : {},
    }),
  };
  const { flags, check } = secureCommand;
  for (const stage of STAGES)
    for (const client of [true, false])
      for (const [part, values] of Object.entries(parts)) {
        const brought = values(client);
        const chart = await secured(stage, {
          ...brought,
          client: { enabled: client, ...(at(brought, 'client') as object | undefined) },
        });
        const env = at(container(chart, 'Deployment', 'tandem-secure'), 'env') as readonly {
          readonly name: string;
          readonly value?: string;
        }[];
        const environment = Object.fromEntries(env.map(({ name, value = 'tandem' }) => [name, value]));
        const parsed = parseFlags(flags, [], environment);
        const place = `${stage} ${client} ${part}`;
        assert.deepEqual(parsed.ok ? (check?.(parsed.values) ?? []) : parsed.problems, [], place);
      }
});

test('values that contradict a secure Consul are refused, with the way to fix it', async () => {
  const secure = { secure: true };
  const elsewhere = { server: { enabled: false }, externalServers: { enabled: true, hosts: ['a'] } };
  for (const [values, text] of [
    [{ global: secure, ...elsewhere }, /global\.secure with externalServers: tokens would go there in plain/],
    [
      { global: { acls: { manageSystemACLs: true } }, ...elsewhere },
      /set externalServers\.k8sAuthMethodHost.*set global\.acls\.bootstrapToken.*set global\.owner/s,
    ],
    [
      { global: { gossipEncryption: { autoGenerate: true } }, ...elsewhere },
      /autoGenerate is for the servers of this chart/,
    ],
    [
      { ...elsewhere, externalServers: { ...elsewhere.externalServers, k8sAuthMethodHost: 'https://a' } },
      /k8sAuthMethodHost is for externalServers with global\.acls\.manageSystemACLs/,
    ],
    [
      { global: { acls: { bootstrapToken: { secretName: 'a' } } } },
      /global\.acls\.bootstrapToken: there are no ACLs that are made here/,
    ],
    [
      { connectInject: { authMethodType: 'jwt' } },
      /authMethodType=jwt: there are no ACLs that are made here/,
    ],
    [
      {
        global: secure,
        connectInject: { authMethodType: 'jwt', aclBindingRuleSelector: 'serviceaccount.name==a' },
      },
      /with authMethodType=jwt write value\.sa/,
    ],
    [
      { global: secure, server: { enabled: false }, client: { join: ['a'] } },
      /global\.secure, .* set server\.enabled=true/,
    ],
    [
      { global: secure, syncCatalog: { aclSyncToken: { secretName: 'a' } } },
      /aclSyncToken\.secretName beside ACLs that are made here.*leave it out/,
    ],
    [
      { global: secure, connectInject: { overrideAuthMethodName: 'a' } },
      /overrideAuthMethodName beside ACLs/,
    ],
    [{ global: secure, syncCatalog: { authMethod: 'a' } }, /syncCatalog\.authMethod beside ACLs/],
    [{ global: secure, server: { extraConfig: { acl: {} } } }, /server\.extraConfig\.acl: the stage/],
    [{ global: secure, client: { extraConfig: { ports: {} } } }, /client\.extraConfig\.ports: the stage/],
    [
      { global: { ...secure, tls: { caCert: { secretName: 'a' } } } },
      /caCert without global\.tls\.caKey: nobody can sign; set client\.cert\.secretName.*set server\.serverCert/s,
    ],
    [
      { global: { ...secure, tls: { caKey: { secretName: 'a' } } } },
      /global\.tls\.caKey: name its certificate with global\.tls\.caCert/,
    ],
    [{ global: { tls: { caKey: { secretName: 'a' } } } }, /caKey: the agents of this chart have no TLS/],
    [
      { global: secure, server: { serverCert: { secretName: 'a' } } },
      /server\.serverCert: name the CA that signed it with global\.tls\.caCert/,
    ],
    [{ client: { cert: { secretName: 'a' } } }, /client\.cert: the agents of this chart have no TLS/],
    [
      { global: secure, connectInject: { agentTls: { enabled: true } } },
      /connectInject\.agentTls is for agents that have certificates by extraConfig/,
    ],
    [
      { global: { gossipEncryption: { autoGenerate: true, secretName: 'a', secretKey: 'b' } } },
      /autoGenerate makes a key, and secretName brings one/,
    ],
    [{ ui: { aclToken: { enabled: true } } }, /ui\.aclToken\.enabled: there are no ACLs/],
    [{ global: { acls: { createReplicationToken: true } } }, /createReplicationToken: there are no ACLs/],
    [
      { global: { tls: { serverAdditionalDNSSANs: ['a'] } } },
      /serverAdditionalDNSSANs .* certificates that are made here/,
    ],
    [
      { global: { tls: { enabled: true } }, server: { enabled: false }, client: { join: ['a'] } },
      /global\.tls\.enabled without externalServers is for the servers of this chart/,
    ],
    [
      {
        global: {
          ...secure,
          domain: 'consul.',
          tls: {
            serverAdditionalDNSSANs: ['a', '*.a.b', 'b c'],
            serverAdditionalIPSANs: ['::1', 'c', '10.0.0.0/8'],
          },
        },
      },
      /global\.domain: "consul\." is not.*DNSSANs: "b c" is not a DNS name.*IPSANs: "c" is not an IP address.*IPSANs: "10\.0\.0\.0\/8" is/s,
    ],
    [{ global: { secure: 'maybe' } }, /at '\/global\/secure'/],
  ] as const)
    assert.match(await refusal(values), text);
});
