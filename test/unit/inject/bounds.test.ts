/** One pod cannot stop the webhook: the work follows the size of the request, and never the product of two lists in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InjectResult } from '../../../src/inject/result.ts';
import { uninject } from '../../../src/inject/uninject.ts';
import { takesLongToInject } from '../../../src/inject/variables.ts';
import { goldenResult } from '../../golden/golden-case.ts';
import { cpuCosts } from '../support/cpu-cost.ts';

const PREFIX = 'consul.hashicorp.com/';

type Parts = {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly containers?: readonly object[];
  readonly flags?: readonly string[];
};

function injected({ annotations = {}, containers = named(1), flags = [] }: Parts): InjectResult {
  const prefixed = Object.entries({ 'connect-inject': 'true', ...annotations }).map(
    ([name, value]) => [PREFIX + name, value] as const,
  );
  const metadata = { annotations: Object.fromEntries(prefixed) };
  return goldenResult({ flags, pod: { metadata, spec: { containers } } });
}

function named(count: number, more: object = {}): object[] {
  return Array.from({ length: count }, (_, index) => ({ name: `c${index}`, ...more }));
}

function list(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join(',');
}

function problemsOf(result: InjectResult): readonly string[] {
  return result.kind === 'invalid' ? result.problems.map(({ at, message }) => `${at}: ${message}`) : [];
}

/** Eight times the input costs at most 24 times as much, where a product of two lists would be 64 times. */
function assertLinear(run: (size: number) => unknown, size: number): void {
  run(size);
  const [small = NaN, large = NaN] = cpuCosts(
    () => run(size),
    () => run(8 * size),
  );
  assert.ok(large < 24 * small + 200, `${small} ms for ${size}, ${large} ms for ${8 * size}`);
}

test('upstreams times containers are told before they are made, init containers too, and of anything that is no pod', () => {
  const podOf = (upstreams: number, spec: object): object => ({
    metadata: {
      annotations: {
        [`${PREFIX}connect-service-upstreams`]: list(upstreams, (index) => `s:${2000 + index}`),
      },
    },
    spec,
  });
  assert.equal(takesLongToInject(podOf(20, { containers: named(5) })), false);
  assert.equal(takesLongToInject(podOf(150, { containers: named(60) })), true);
  assert.equal(takesLongToInject(podOf(150, { containers: named(1), initContainers: named(59) })), true);
  assert.equal(takesLongToInject(podOf(0, { containers: named(600) })), true);
  for (const strange of [undefined, null, 'pod', { metadata: [], spec: { containers: 'c' } }])
    assert.equal(takesLongToInject(strange), false);
});

const TRANSPARENT = ['--transparent-proxy'];

test('exclusions of a transparent pod: names of ports, networks, and how many there are', () => {
  const ports = (count: number): InjectResult =>
    injected({
      flags: TRANSPARENT,
      annotations: { 'transparent-proxy-exclude-inbound-ports': list(count, (index) => `p${index}`) },
      containers: named(1, {
        ports: Array.from({ length: 50 * count }, (_, index) => ({
          name: `p${index}`,
          containerPort: 1 + (index % 9999),
        })),
      }),
    });
  assertLinear(ports, 64);
  const networks = (count: number): InjectResult =>
    injected({
      flags: TRANSPARENT,
      annotations: {
        'transparent-proxy-exclude-outbound-cidrs': list(count, (index) => `2001:db8::${index.toString(16)}`),
      },
    });
  assertLinear(networks, 64);
  const [problem = ''] = problemsOf(networks(513));
  assert.match(problem, /exclude-outbound-cidrs: 513 elements; at most 512/);
});

test('probes and hostPorts of a transparent pod', () => {
  const probes = (count: number): InjectResult =>
    injected({
      flags: TRANSPARENT,
      containers: named(count, { livenessProbe: { httpGet: { port: 8080 } }, ports: [{ containerPort: 9 }] }),
    });
  assert.equal(probes(100).kind, 'inject');
  assert.deepEqual(
    problemsOf(probes(102)).map((problem) => problem.split('; ')[0]),
    [
      'spec.containers[100].livenessProbe: needs a port of its own, and the first 100 containers have them all',
    ],
  );
  assertLinear(probes, 500);
  const hostPorts = Array.from({ length: 100 }, () => ({ containerPort: 80, hostPort: 80 }));
  const result = injected({ flags: TRANSPARENT, containers: named(1, { ports: hostPorts }) });
  assert.equal(result.kind !== 'skip' && result.warnings.length, 20);
});

test('300 upstreams for each of 1,000 containers are refused before any operation is made', () => {
  const upstreams = list(300, (index) => `service-${index}:${10_000 + index}`);
  const [problem = '', ...others] = problemsOf(
    injected({ annotations: { 'connect-service-upstreams': upstreams }, containers: named(1000) }),
  );
  assert.match(problem, /connect-service-upstreams: 600 variables in each of 1000 containers; at most 20000/);
  assert.deepEqual(others, []);
});

test('of very many services no more is read than a pod can have', () => {
  const services = (count: number): InjectResult =>
    injected({
      annotations: {
        'connect-service': list(count, (index) => `s${index}`),
        'connect-service-port': list(count, (index) => String(1 + (index % 65_535))),
      },
    });
  assertLinear(services, 2000);
  const [problem = ''] = problemsOf(services(2000));
  assert.match(problem, /connect-service: names 2000 services; a pod has at most 16/);
});

test('at the bound the patch has one operation for each variable, and no more than 20,000 of them', () => {
  const upstreams = list(500, (index) => `s${index}:${10_000 + index}`);
  const containers = named(20, { env: [{ name: 'OWN', value: 'x' }] });
  const result = injected({ annotations: { 'connect-service-upstreams': upstreams }, containers });
  assert.equal(result.kind, 'inject');
  const added = result.kind === 'inject' ? result.patch.filter(({ path }) => path.includes('/env/')) : [];
  assert.equal(added.length, 20_000);
});

test('variables in front of very long lists are refused: an API server copies the list for each', () => {
  const env = Array.from({ length: 60_000 }, (_, index) => ({ name: `V${index}`, value: '' }));
  const upstreams = list(1000, (index) => `s${index}:${10_000 + index}`);
  const annotations = { 'connect-service-upstreams': upstreams };
  assert.match(
    String(problemsOf(injected({ annotations, containers: named(1, { env }) }))),
    /already have are too many/,
  );
});

test('many names in connect-inject-mount-volume for many containers', () => {
  assertLinear(
    (size) =>
      injected({
        annotations: { 'connect-inject-mount-volume': list(30 * size, (index) => `c${index}`) },
        containers: named(size),
      }),
    1000,
  );
});

test('a volume for every container, and taken out of every container', () => {
  assertLinear((size) => {
    const names = list(size, (index) => `c${index}`);
    const result = injected({
      annotations: { 'connect-inject-mount-volume': names },
      containers: named(size, { volumeMounts: [{ name: 'x', mountPath: '/x' }] }),
    });
    assert.equal(result.kind, 'inject');
  }, 3000);
  assertLinear((size) => {
    const containers = named(size, { volumeMounts: [{ name: 'x', mountPath: '/consul/connect-inject' }] });
    const lists = ['volumes', 'initContainers', 'containers', 'annotations', 'labels', 'absent', 'nulls'];
    const record = JSON.stringify({
      version: '1',
      mode: 'agent',
      ...Object.fromEntries(lists.map((each) => [each, []])),
      variables: Array.from({ length: size }, (_, index) => `V${index}`),
      mounts: containers.map((_, index) => `c${index}`),
      drained: containers.map((_, index) => `c${index}`),
      kept: {},
      previous: { annotations: {}, labels: {} },
    });
    const result = uninject({
      metadata: { annotations: { 'tandem/injected': record } },
      spec: { containers },
    });
    assert.equal(result.kind === 'uninject' && result.patch.length, size);
  }, 3000);
});

test('annotations that Kubernetes never stores are refused before they are read', () => {
  const [problem = '', ...more] = problemsOf(
    injected({ annotations: { 'service-tags': 'a,'.repeat(131_072) } }),
  );
  assert.match(
    problem,
    /^metadata\.annotations: names and values have 2622\d\d characters; Kubernetes takes 262144 bytes$/,
  );
  assert.deepEqual(more, []);
});

test('5,000 annotations: twenty unknown ones are named, and the rest is counted', () => {
  const many = (count: number): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`conect-servise-upstream-${index}`, 'x']),
    );
  const { warnings } = injected({ annotations: many(5000) });
  assert.equal(warnings.length, 21);
  assert.match(warnings[20]?.message ?? '', /4980 more/);
  assertLinear((size) => injected({ annotations: many(size) }), 500);
});

test('tags, meta, volumes, ports and upstreams that are many', () => {
  const of = (size: number): Parts => ({
    annotations: {
      'service-tags': list(size, (index) => `t${index}`),
      ...Object.fromEntries(Array.from({ length: size }, (_, index) => [`service-meta-k${index}`, 'v'])),
      'consul-sidecar-user-volume': `[${list(size, (index) => `{"name":"v${index}"}`)}]`,
      'consul-sidecar-user-volume-mount': `[${list(size, (index) => `{"name":"v${index}","mountPath":"/m${index}"}`)}]`,
      'connect-service-upstreams': list(1000, (index) => `s${index}:${index + 1}`),
    },
    containers: named(size, { ports: [{ containerPort: 8080 }, { name: 'http', containerPort: 20000 }] }),
  });
  assertLinear((size) => injected(of(size)), 500);
  assertLinear((size) => injected({ ...of(size), flags: ['--proxy-mode=dataplane', '--owner=test'] }), 500);
});
