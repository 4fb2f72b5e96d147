import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterFindings, type ClusterFacts } from '../../../src/check/cluster-findings.ts';
import { consulFindings, type ConsulFacts } from '../../../src/check/consul-findings.ts';
import { findingLines, findingsJson, ok, warning, worst, type Probe } from '../../../src/check/finding.ts';
import { neededRules, type Needs } from '../../../src/check/rights.ts';
import { webhookFindings, type DryRun } from '../../../src/check/webhook-findings.ts';

function seen<T>(value: T): Probe<T> {
  return { kind: 'seen', value };
}

const TIMEOUT = { kind: 'failed', code: 'timeout', reason: 'no answer within 10 s' } as const;
const REFUSED = { kind: 'failed', code: 'TANDEM_KUBERNETES_REFUSED', reason: 'status 403' } as const;

const cluster: ClusterFacts = {
  server: 'https://api',
  version: seen({ major: 1, minor: 34 }),
  rights: [],
  webhook: { name: 'tandem-webhook', entries: seen(undefined), call: TIMEOUT },
  entryWebhook: undefined,
  owner: seen('0a1b2c3d'),
  names: seen({ services: 2, names: [], clashes: [] }),
  entries: undefined,
  redirection: undefined,
};
const consul: ConsulFacts = {
  leader: seen('10.0.0.1:8300'),
  agent: seen({ version: '1.20.6', datacenter: 'dc1' }),
  connect: seen(true),
  token: seen({ kind: 'token', accessor: 'a' }),
  node: { kind: 'asked', name: 'k8s-sync-a', isWhole: seen(true) },
  rights: seen([]),
  entries: undefined,
  mesh: undefined,
};

const minors: readonly [number, number, string, RegExp][] = [
  [1, 34, 'ok', /with native sidecars$/],
  [1, 29, 'ok', /with native sidecars$/],
  [1, 28, 'warning', /without native sidecars/],
  [1, 27, 'failure', /Kubernetes 1\.27$/],
  [2, 0, 'ok', /Kubernetes 2\.0/],
];
for (const [major, minor, status, text] of minors) {
  test(`Kubernetes ${major}.${minor} is ${status}`, () => {
    const [finding] = clusterFindings(seen({ ...cluster, version: seen({ major, minor }) }), 0);
    assert.equal(finding?.status, status);
    assert.match(finding?.seen ?? '', text);
  });
}

const versions: readonly [string, string][] = [
  ['1.14.0', 'ok'],
  ['1.14.0-beta1', 'ok'],
  ['1.20.6+ent', 'ok'],
  ['2.0.0', 'ok'],
  ['1.13.9', 'failure'],
  ['0.99.0', 'failure'],
  ['unknown', 'failure'],
];
for (const [version, status] of versions) {
  test(`Consul ${version} is ${status}`, () => {
    const findings = consulFindings(seen({ ...consul, agent: seen({ version, datacenter: 'dc1' }) }));
    assert.equal(findings.find(({ check }) => check === 'consul-version')?.status, status);
  });
}

test('where nothing answers there is one line, and where only one look fails, all the others', () => {
  assert.deepEqual(
    clusterFindings(seen({ ...cluster, version: TIMEOUT }), 0).map(({ check }) => check),
    ['api-server'],
  );
  assert.deepEqual(
    clusterFindings(seen({ ...cluster, version: REFUSED, owner: TIMEOUT, names: TIMEOUT }), 0).map(
      ({ check, status }) => `${check} ${status}`,
    ),
    ['api-server failure', 'rights ok', 'webhook warning', 'owner failure', 'names failure'],
  );
  assert.deepEqual(
    consulFindings(seen({ ...consul, agent: TIMEOUT, connect: TIMEOUT, rights: TIMEOUT })).map(
      ({ check, status }) => `${check} ${status}`,
    ),
    ['consul ok', 'consul-version warning', 'connect warning', 'token ok', 'token-rights warning'],
  );
});

const REFUSAL_FIX = /policy|a valid token|agent_prefix|grant|allow this account/;
const consulFaults = [
  ['TANDEM_CONSUL_UNREACHABLE', /--consul-http-addr .*--consul-ca-file .*--consul-tls-server-name/],
  ['timeout', /--consul-http-addr/],
  ['TANDEM_CONSUL_UNAVAILABLE', /raft list-peers.*--consul-datacenter/],
  ['TANDEM_FILE_UNREADABLE', /is there, .* may read it, .* a CA in PEM, or a token/],
  ['TANDEM_CONSUL_LIMITED', /http_max_conns_per_client/],
  ['TANDEM_CONSUL_ANSWER_INVALID', /https:\/\/ if that speaks TLS.*proxy/],
] as const;
for (const [code, fix] of consulFaults) {
  test(`${code} is fixed where it comes from, and not by another token`, () => {
    const failed = { kind: 'failed', code, reason: 'so it is' } as const;
    const node = { kind: 'asked', name: 'n', isWhole: failed } as const;
    const mesh = { proxies: failed, isAllowedByDefault: failed };
    const facts = { ...consul, agent: failed, connect: failed, token: failed, mesh };
    const findings = [
      ...consulFindings(seen({ ...consul, leader: failed })),
      ...consulFindings(seen(facts), { ofPods: seen([]), byDefault: undefined }),
      ...consulFindings(seen({ ...consul, node, rights: failed })),
    ].filter(({ status }) => status !== 'ok');
    assert.equal(findings.length, 8);
    for (const finding of findings) {
      assert.ok('fix' in finding);
      assert.match(finding.fix, fix);
      assert.doesNotMatch(finding.fix, REFUSAL_FIX);
    }
  });
}

test('what says no to the question who leads is no Consul', () => {
  const failed = { kind: 'failed', code: 'TANDEM_CONSUL_REFUSED', reason: 'status 404' } as const;
  assert.match(findingLines(consulFindings(failed)), /404; to fix it: set --consul-http-addr .*proxy/);
});

test('an API server that is slow is not one that refuses', () => {
  const [rule] = neededRules({ webhook: { shared: undefined, ownerFromCluster: false } });
  assert.ok(rule !== undefined);
  const webhook = { name: 'tandem-webhook', entries: TIMEOUT, call: TIMEOUT } as const;
  const facts = { ...cluster, webhook, owner: TIMEOUT, names: TIMEOUT, rights: [{ rule, missing: TIMEOUT }] };
  const fixes = clusterFindings(seen(facts), 0).flatMap((finding) => ('fix' in finding ? [finding.fix] : []));
  assert.equal(fixes.length, 4);
  for (const fix of fixes) {
    assert.match(fix, /whether the API server is overloaded/);
    assert.doesNotMatch(fix, REFUSAL_FIX);
  }
});

test('what is no API server is one line with its address, and no word about rights', () => {
  const page = { kind: 'failed', code: 'TANDEM_KUBERNETES_GARBLED', reason: 'not JSON' } as const;
  const { check, status, ...rest } = clusterFindings(seen({ ...cluster, version: page }), 0)[0] ?? {};
  assert.deepEqual([check, status], ['api-server', 'failure']);
  assert.match(JSON.stringify(rest), /https:\/\/api: not JSON.*set --kubeconfig/);
  assert.equal(clusterFindings(seen({ ...cluster, version: page }), 0).length, 1);
});

test('a review that fails leaves the right unknown, not missing', () => {
  const [rule] = neededRules({ webhook: { shared: undefined, ownerFromCluster: false } });
  assert.ok(rule !== undefined);
  const findings = clusterFindings(seen({ ...cluster, rights: [{ rule, missing: REFUSED }] }), 0);
  assert.match(
    findingLines(findings),
    /^warning {2}rights {6}webhook: cannot tell whether this account may use \/version/m,
  );
});

const calls: readonly [string, Probe<DryRun>, string, RegExp][] = [
  [
    'denied by an entry',
    seen({ status: 422, message: 'admission webhook "pods" denied the request: no boolean' }),
    'ok',
    /./,
  ],
  [
    'denied by another webhook',
    seen({ status: 400, message: 'admission webhook "x" denied the request' }),
    'warning',
    /cannot tell/,
  ],
  ['accepted', seen({ status: 201, message: '' }), 'failure', /without asking/],
  ['forbidden', seen({ status: 403, message: 'pods is forbidden' }), 'warning', /403/],
  ['late', TIMEOUT, 'warning', /no answer/],
  [
    'expired',
    seen({ status: 500, message: 'failed calling webhook "pods": x509: certificate has expired' }),
    'failure',
    /expired/,
  ],
];
for (const [name, call, status, text] of calls) {
  test(`a call of the webhook: ${name} is ${status}`, () => {
    const entries = seen([{ name: 'pods', caBundle: 'bm9uZQ==' }]);
    const findings = webhookFindings({ name: 'tandem-webhook', entries, call }, 0);
    assert.deepEqual(
      findings.map(({ check }) => check),
      ['webhook', 'webhook-ca', 'webhook-call'],
    );
    assert.match(findings[1]?.seen ?? '', /^pods: caBundle holds something other than certificates$/);
    assert.equal(findings[2]?.status, status);
    assert.match(findings[2]?.seen ?? '', text);
  });
}

test('a finding is one line, whatever a server wrote, and the JSON has the worst', () => {
  const findings = [ok('names', 'fine'), warning('webhook', 'first\nsecond\r\n third', 'fix')];
  assert.equal(
    findingLines(findings),
    'ok       names    fine\nwarning  webhook  first second third; to fix it: fix\n',
  );
  assert.deepEqual(JSON.parse(findingsJson(findings)), { status: 'warning', findings });
  assert.equal(worst([]), 'ok');
});

test('rights that are missing: the first ten, and how many more; nothing is asked where nothing can be known', () => {
  const of = (facts: Partial<ConsulFacts>): readonly string[] =>
    consulFindings(seen({ ...consul, ...facts }))
      .filter(({ check }) => check === 'token-rights')
      .map(({ status, seen: text }) => `${status}: ${text}`);
  const right = (index: number) => ({
    rule: { resource: 'service', access: 'write', name: `s-${index}`, isPrefix: false } as const,
    isAllowed: index === 0,
  });
  const many = of({ rights: seen(Array.from({ length: 14 }, (_, index) => right(index))) });
  assert.deepEqual(
    [many.length, many[0], many[10]],
    [11, 'failure: the token may not write the service "s-1"', 'failure: 3 more rights are missing'],
  );
  assert.deepEqual(of({ token: seen({ kind: 'acls-off' }), node: { kind: 'unknown' } }), []);
  assert.deepEqual(of({ token: TIMEOUT }), []);
  assert.match(
    of({ node: { kind: 'unknown' } }).join(),
    /^warning: the nodes that the sync writes are not known/,
  );
  const node = { kind: 'asked', name: 'n', isWhole: seen(false) } as const;
  assert.match(of({ node }).join(), /^failure: the token does not show all services of the node "n"/);
});

test('without a token: one is asked for only where a right is missing, and a Consul that is open is said to be', () => {
  const said = (rights: ConsulFacts['rights']): string =>
    findingLines(
      consulFindings(seen({ ...consul, token: seen({ kind: 'anonymous' }), rights })).filter(
        ({ check }) => check === 'token',
      ),
    );
  const right = (isAllowed: boolean, resource: 'mesh' | 'acl' = 'mesh') => ({
    rule: { resource, access: 'write' } as const,
    isAllowed,
  });
  // To delete tokens is not needed, and nobody may by default.
  for (const rights of [[right(true)], [right(true), right(false, 'acl')]]) {
    const open = said(seen(rights));
    assert.match(
      open,
      /^warning {2}token {2}not needed: ACLs are on, but Consul lets anyone who reaches it do everything .*; .*global\.secure/,
    );
    assert.doesNotMatch(open, /CONSUL_HTTP_TOKEN/);
  }
  const onlyOptional = seen([right(false, 'acl')]);
  for (const rights of [seen([right(true), right(false)]), onlyOptional, seen([]), TIMEOUT])
    assert.match(said(rights), /^warning {2}token {2}missing, and ACLs are on; .*CONSUL_HTTP_TOKEN/);
});

const lease = { namespace: 'tandem', name: 'tandem-sync' };
const nothing = {
  toConsul: undefined,
  registrar: undefined,
  configEntries: undefined,
  writeNamespace: undefined,
  clusterNetwork: false,
  lease,
  ownerFromCluster: false,
  serverPodsNamespace: undefined,
};

test('an account needs what its parts call, and nothing of the others', () => {
  const rules = (needs: Needs): readonly string[] =>
    neededRules(needs).map((rule) =>
      rule.kind === 'path' ? rule.path : `${rule.part} ${rule.resource} ${rule.namespace ?? '*'}`,
    );
  const leases = ['sync leases tandem', 'sync leases tandem'];
  assert.deepEqual(rules({ sync: nothing }), leases);
  assert.deepEqual(
    rules({
      sync: { ...nothing, registrar: { namesFollowServices: true, podsLogIn: true, keepsPlainPods: false } },
    }),
    [
      'registrar pods *',
      'registrar nodes *',
      'registrar services *',
      'registrar serviceaccounts *',
      'sync events *',
      ...leases,
    ],
  );
  const entries = { kinds: [{ plural: 'servicedefaults' }], adopt: false };
  assert.deepEqual(rules({ sync: { ...nothing, configEntries: entries } }), [
    'config-entries servicedefaults *',
    'config-entries servicedefaults/status *',
    'config-entries customresourcedefinitions *',
    'sync events *',
    ...leases,
  ]);
  assert.deepEqual(rules({ sync: { ...nothing, writeNamespace: 'here' } }), [
    ...leases,
    'to-k8s services here',
    'to-k8s endpointslices here',
    'to-k8s events here',
  ]);
  const network = ['to-k8s nodes *', 'to-k8s services *', 'to-k8s endpointslices *', 'to-k8s servicecidrs *'];
  assert.deepEqual(rules({ sync: { ...nothing, clusterNetwork: true } }), [...leases, ...network]);
  const both = rules({ sync: { ...nothing, toConsul: { ingresses: false }, clusterNetwork: true } });
  assert.deepEqual(
    both.filter((rule) => rule.startsWith('to-k8s')),
    ['to-k8s servicecidrs *'],
  );
  assert.deepEqual(rules({ webhook: { shared: undefined, ownerFromCluster: false } }), ['/version']);
  const named = rules({ webhook: { shared: undefined, ownerFromCluster: true } });
  assert.deepEqual(named, ['/version', 'webhook namespaces *']);
});

test('the datacenter that keeps the config entries is named, or why it is silent', () => {
  const said = (entries: ConsulFacts['entries']): string =>
    findingLines(
      consulFindings(seen({ ...consul, entries })).filter(({ check }) => check === 'config-entries'),
    );
  assert.match(said(seen('dc1')), /^ok .* the datacenter dc1 keeps them, and answers$/m);
  assert.match(said(TIMEOUT), /^failure .*no answer within 10 s.*consul members -wan/m);
});
