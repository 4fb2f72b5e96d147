import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingLines } from '../../../src/check/finding.ts';
import {
  hasServerBlock,
  redirectionFindings,
  wrongLabelsOf,
  type RedirectionFacts,
} from '../../../src/check/redirection-findings.ts';

const REFUSED = { kind: 'failed', code: 'TANDEM_KUBERNETES_REFUSED', reason: 'status 403' } as const;
const good: RedirectionFacts = {
  way: 'auto',
  namespace: 'mesh',
  redirectors: { kind: 'seen', value: { count: 2, nodes: 2, leftOut: 0, without: [] } },
  labels: { kind: 'seen', value: [] },
  dns: { domain: 'consul', by: 'lookup', isKnown: { kind: 'seen', value: true }, address: '10.96.0.5' },
};

function lines(facts: Partial<RedirectionFacts>): string {
  return findingLines(redirectionFindings({ ...good, ...facts }));
}

test('all is well: a line for each question, and none about redirectors that nobody needs', () => {
  assert.equal(
    lines({}),
    [
      'ok       redirectors       each of 2 nodes has one that is ready',
      'ok       namespace-labels  every label of ours on a namespace has an effect',
      'ok       consul-dns        the DNS of the cluster knows the domain "consul"',
      '',
    ].join('\n'),
  );
  assert.doesNotMatch(lines({ way: 'init', redirectors: undefined }), /redirectors/);
});

const redirectors: readonly [string, Partial<RedirectionFacts>, RegExp][] = [
  [
    'nodes without one',
    { redirectors: { kind: 'seen', value: { count: 2, nodes: 3, leftOut: 0, without: ['n2', 'n3'] } } },
    /^failure {2}redirectors .* no redirector is ready on n2, n3: new transparent pods wait there; to fix it: see kubectl -n mesh get pods /,
  ],
  [
    'nodes on which no redirected pod can start',
    { redirectors: { kind: 'seen', value: { count: 2, nodes: 2, leftOut: 3, without: [] } } },
    /^ok {7}redirectors .*each of 2 nodes has one that is ready; nodes that are virtual or not Ready are left out: 3$/m,
  ],
  [
    'very many nodes without one',
    {
      redirectors: {
        kind: 'seen',
        value: {
          count: 1,
          nodes: 13,
          leftOut: 0,
          without: Array.from({ length: 12 }, (_, index) => `n${index}`),
        },
      },
    },
    /ready on n0, n1, .*, n9 and 2 more: /,
  ],
  [
    'none at all, where they are wanted',
    {
      way: 'node',
      redirectors: { kind: 'seen', value: { count: 0, nodes: 1, leftOut: 0, without: ['n1'] } },
    },
    /^failure {2}redirectors .*there is no redirector in the namespace mesh: .* label the namespace pod-security\.kubernetes\.io\/enforce=privileged, .*--lease-namespace[^;]*$/m,
  ],
  [
    'none at all, and nobody said that they are wanted',
    { redirectors: { kind: 'seen', value: { count: 0, nodes: 1, leftOut: 0, without: ['n1'] } } },
    /^warning {2}redirectors .*there is no redirector in the namespace mesh: .*give --redirection=init if pods write their own rules$/m,
  ],
  [
    'a read that is forbidden',
    { redirectors: REFUSED },
    /^warning {2}redirectors .*cannot tell whether every node has a redirector: status 403; to fix it: allow this account to list nodes, and pods in mesh/,
  ],
];
for (const [name, facts, expected] of redirectors) {
  test(`redirectors: ${name}`, () => assert.match(lines(facts), expected));
}

test('labels of namespaces: each that has no effect, the first ten of very many, and a read that is forbidden', () => {
  const label = 'consul.hashicorp.com/transparent-proxy';
  const wrong = { namespace: 'shop', label, value: 'yes' };
  const two = { ...wrong, label: 'consul.hashicorp.com/consul-dns', value: 'true' };
  assert.match(
    lines({ labels: { kind: 'seen', value: [wrong, two] } }),
    /^warning {2}namespace-labels {2}the namespace shop has the label consul\.hashicorp\.com\/transparent-proxy="yes", which is not a boolean, so it is ignored; to fix it: make it one of 1 t T .*\n.* shop has the label consul\.hashicorp\.com\/consul-dns, which is ignored; to fix it: set the annotation/m,
  );
  const many = lines({ labels: { kind: 'seen', value: Array.from({ length: 12 }, () => wrong) } });
  assert.equal(many.match(/which is not a boolean/g)?.length, 10);
  assert.match(many, /2 more labels/);
  assert.match(
    lines({ labels: REFUSED }),
    /^warning {2}namespace-labels .*cannot tell .*: status 403; to fix it: run tandem check with an account/m,
  );
});

test('which labels of a namespace have no effect, and what to do about that of injection', () => {
  const found = (labels: Readonly<Record<string, string>>): readonly string[] =>
    wrongLabelsOf({
      name: 'shop',
      labels: Object.fromEntries(
        Object.entries(labels).map(([name, value]) => [`consul.hashicorp.com/${name}`, value]),
      ),
    }).map(({ label, value }) => `${label.slice(label.indexOf('/') + 1)}=${value}`);
  assert.deepEqual(found({ 'connect-inject': 'true', 'transparent-proxy': 'f', other: 'x' }), []);
  assert.deepEqual(found({ 'connect-inject': 'True', 'transparent-proxy': 'no', 'consul-dns': 'true' }), [
    'connect-inject=True',
    'transparent-proxy=no',
    'consul-dns=true',
  ]);
  const told = (value: string): string =>
    lines({ labels: { kind: 'seen', value: [{ namespace: 'shop', label: LABEL, value }] } });
  assert.match(
    told('enabled'),
    /="enabled", but only "true" has an effect, so it is ignored; to fix it: kubectl label --overwrite namespace shop/,
  );
  assert.match(
    told('false'),
    /="false", but only "true" has an effect, so it is ignored; to fix it: remove it; to keep out its pods/,
  );
});

const LABEL = 'consul.hashicorp.com/connect-inject';

test('DNS: unknown with the lines to add, known by the Corefile, and a question without an answer', () => {
  const dns = (facts: Partial<RedirectionFacts['dns']>): string => lines({ dns: { ...good.dns, ...facts } });
  assert.match(
    dns({ isKnown: { kind: 'seen', value: false } }),
    /^warning {2}consul-dns .*does not know the domain "consul".*"consul:53 \{", "forward \. 10\.96\.0\.5" and "\}"/m,
  );
  assert.match(
    dns({ isKnown: { kind: 'seen', value: false }, address: undefined }),
    /forward \. <address of the DNS Service>/,
  );
  assert.match(
    dns({ by: 'corefile', isKnown: { kind: 'seen', value: false } }),
    /^warning {2}consul-dns .*no server block for the domain "consul", so pods find .* only if the DNS behind it knows/m,
  );
  assert.match(dns({ by: 'corefile' }), /^ok {7}consul-dns .*the Corefile of CoreDNS has a server block/m);
  assert.match(
    dns({ isKnown: REFUSED }),
    /^warning {2}consul-dns .*cannot tell .*: status 403; to fix it: /m,
  );
});

const corefiles: readonly [string, boolean | undefined][] = [
  ['.:53 {\n  forward . /etc/resolv.conf\n}\n', false],
  ['.:53 {\n}\nconsul:53 {\n  forward . 10.0.0.1\n}\n', true],
  ['.:53 {\n}\nexample.org consul {\n  forward . 10.0.0.1\n}\n', true],
  ['dns://Consul.:53, b {\n}\n', true],
  ['.:53 {\n}\n# consul:53 {\n', false],
  ['.:53 {\n  forward consul 10.0.0.1\n}\n', true],
  ['.:53 {\n  hosts consul {\n  }\n}\n', false],
  ['notconsul:53 {\n}\nconsul.example {\n}\n', false],
  ['.:53 {\n}\nimport /etc/coredns/custom/*.server\n', undefined],
];
for (const [corefile, expected] of corefiles) {
  test(`a block for consul in ${JSON.stringify(corefile)}: ${String(expected)}`, () =>
    assert.equal(hasServerBlock(corefile, 'consul'), expected));
}

test('a domain is found in any case, and may be answered behind one above it', () => {
  assert.equal(hasServerBlock('consul:53 {\n}\n', 'Consul.'), true);
  for (const above of ['example.org {\n}\n', '.:53 {\n  forward example.org 10.0.0.1\n}\n'])
    assert.equal(hasServerBlock(above, 'consul.example.org'), undefined);
  assert.equal(hasServerBlock('ample.org {\n}\n.:53 {\n}\n', 'consul.example.org'), false);
});

test('a Corefile of empty lines takes no time', () => {
  const { user } = process.cpuUsage();
  assert.equal(hasServerBlock('\n'.repeat(200_000), 'consul'), false);
  assert.ok(process.cpuUsage().user - user < 10_000_000);
});
