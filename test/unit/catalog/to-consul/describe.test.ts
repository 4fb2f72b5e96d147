/** Name, tags, weight and meta of the instances. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToConsulSettings } from '../../../../src/catalog/to-consul/to-consul-settings.ts';
import { endpoint, ingress, node, reasonsOf, rule, service, slice, synced } from './objects.ts';

const slices = [slice([endpoint('10.1.0.1')])];

function only(annotations: Readonly<Record<string, unknown>>, settings: Partial<ToConsulSettings> = {}) {
  const result = synced(service({ annotations }), { slices }, settings);
  const [instance, ...others] = result.instances;
  assert.ok(instance);
  assert.equal(others.length, 0);
  return { instance, problems: result.problems, reasons: reasonsOf(result) };
}

const names: readonly [Record<string, string>, Partial<ToConsulSettings>, string, string[]][] = [
  [{}, {}, 'web', []],
  [{}, { servicePrefix: 'k-' }, 'k-web', []],
  [{}, { addNamespaceSuffix: true }, 'web-default', []],
  [{}, { servicePrefix: 'k-', addNamespaceSuffix: true }, 'k-web-default', []],
  [{ 'service-name': ' front ' }, { servicePrefix: 'k-', addNamespaceSuffix: true }, 'front', []],
  [{ 'service-name': 'n'.repeat(63) }, {}, 'n'.repeat(63), []],
  [{ 'service-name': 'n'.repeat(64) }, {}, 'n'.repeat(64), ['no-dns-label']],
  [{ 'service-name': 'n'.repeat(255) }, {}, 'n'.repeat(255), ['no-dns-label']],
  [{ 'service-name': 'Team API/v2' }, {}, 'Team API/v2', ['no-dns-label']],
  [{ 'service-name': 'orders_v2' }, {}, 'orders_v2', ['no-dns-label']],
  [{ 'service-name': 'billing.eu' }, {}, 'billing.eu', ['no-dns-label']],
  [{ 'service-name': 'Orders' }, {}, 'Orders', ['no-dns-label']],
  [{ 'service-name': 'café' }, {}, 'café', ['no-dns-label']],
  [{ 'service-name': '-web' }, {}, '-web', ['no-dns-label']],
  [{}, { servicePrefix: 'eu_' }, 'eu_web', ['no-dns-label']],
  [{}, { servicePrefix: '-' }, '-web', ['no-dns-label']],
  [
    {},
    { servicePrefix: 'p'.repeat(53), addNamespaceSuffix: true },
    `${'p'.repeat(53)}web-default`,
    ['no-dns-label'],
  ],
  [{ 'service-name': 'n'.repeat(256) }, { servicePrefix: 'k-' }, 'k-web', ['invalid-name']],
  [{ 'service-name': '  ' }, {}, 'web', ['invalid-name']],
  [{ 'service-name': 'a\u001b[2Jb' }, {}, 'web', ['invalid-name']],
  [{ 'service-name': 'a\u202eb' }, {}, 'web', ['invalid-name']],
];

for (const [annotations, settings, expected, reasons] of names) {
  const given = annotations['service-name'] ?? '';
  test(`name: ${JSON.stringify(settings)} ${given.slice(0, 9)}(${given.length}) gives ${expected.slice(0, 20)}`, () => {
    const { instance, reasons: found } = only(annotations, settings);
    assert.equal(instance.name, expected);
    assert.ok(instance.id.startsWith(`${expected}-`));
    assert.deepEqual(found, reasons);
  });
}

test('a name that DNS cannot serve says where it stands and what comes of it', () => {
  const [spoilt] = only({ 'service-name': 'Team API/v2' }).problems;
  assert.equal(spoilt?.at, 'consul.hashicorp.com/service-name');
  assert.match(spoilt.message, /"Team API\/v2".*it is registered, but DNS queries for it may get no answer/);
  assert.equal(only({}, { servicePrefix: 'eu_' }).problems[0]?.at, 'metadata.name');
});

test('a name that gets too long by prefix or port is not registered, and says so', () => {
  const tooLong = synced(service(), { slices }, { servicePrefix: 'p'.repeat(253) });
  assert.deepEqual([tooLong.instances, reasonsOf(tooLong)], [[], ['name-too-long']]);
  const ports = [
    { name: 'http', port: 80 },
    { name: 'grpc', port: 90 },
  ];
  const byPort = synced(
    service({ spec: { ports }, annotations: { 'service-name': 'n'.repeat(252) } }),
    { slices: [slice([endpoint('10.1.0.1')], { ports })] },
    { multiPort: 'per-port' },
  );
  assert.deepEqual([byPort.instances.length, reasonsOf(byPort)], [1, ['no-dns-label', 'name-too-long']]);
});

const tags: readonly [string | undefined, Partial<ToConsulSettings>, string[], string[]?][] = [
  [undefined, {}, ['k8s']],
  ['a, b ,,c', {}, ['k8s', 'a', 'b', 'c']],
  [String.raw`a\,b,c`, {}, ['k8s', 'a,b', 'c']],
  ['k8s,a,a', {}, ['k8s', 'a']],
  ['', { tag: 'cluster-1' }, ['cluster-1']],
  ['a', { tag: '' }, ['a']],
  ['a\n,b\u001b[2J,c\u009b,d\u202e', {}, ['k8s', 'a'], ['invalid-tags']],
];

for (const [text, settings, expected, reasons = []] of tags) {
  test(`tags: ${JSON.stringify(text)} gives ${expected.join(' ')}`, () => {
    const { instance, reasons: found } = only(text === undefined ? {} : { 'service-tags': text }, settings);
    assert.deepEqual(instance.tags, expected);
    assert.deepEqual(found, reasons);
  });
}

test('tags that are left out are named and counted', () => {
  const [problem] = only({ 'service-tags': 'a\u001b,b\u001b,c\u001b' }).problems;
  assert.equal(problem?.at, 'consul.hashicorp.com/service-tags');
  assert.match(problem.message, /^"a\\u001b" and 2 more are left out: .* control character/);
});

const weights: readonly [string | undefined, number, string[]][] = [
  [undefined, 1, []],
  ['1', 1, []],
  [' 50 ', 50, []],
  ['65535', 65535, []],
  ['0', 1, ['invalid-weight']],
  ['65536', 1, ['invalid-weight']],
  ['-1', 1, ['invalid-weight']],
  ['1.5', 1, ['invalid-weight']],
  ['', 1, []],
];

for (const [text, expected, reasons] of weights) {
  test(`weight: ${JSON.stringify(text)} gives ${expected}`, () => {
    const found = only(text === undefined ? {} : { 'service-weight': text });
    assert.deepEqual([found.instance.weight, found.reasons], [expected, reasons]);
  });
}

test('every kind of instance has the weight', () => {
  const annotations = { 'service-weight': '7' };
  const specs = [
    { type: 'ClusterIP' },
    { type: 'NodePort' },
    { type: 'LoadBalancer' },
    { type: 'ExternalName', externalName: 'x.example' },
    { externalIPs: ['3.3.3.3'] },
  ];
  const around = {
    slices,
    nodes: [node('node-1', { InternalIP: '10.0.0.1' })],
    ingresses: [ingress({ rules: [rule('a.example')] })],
  };
  for (const spec of specs) {
    const { instances } = synced(service({ spec, annotations, loadBalancer: [{ ip: '2.2.2.2' }] }), around, {
      enableIngress: true,
      ingressMode: 'add',
    });
    assert.deepEqual(
      instances.map(({ weight }) => weight),
      [7, 7],
    );
  }
});

test('meta says where an endpoint comes from', () => {
  const { instance } = only({ 'service-meta-team': 'blue' });
  assert.deepEqual(instance.meta, {
    'external-k8s-node-name': 'node-1',
    'external-k8s-ns': 'default',
    'external-k8s-ref-kind': 'Pod',
    'external-k8s-ref-name': 'p-10.1.0.1',
    'external-k8s-topology-zone': 'z1',
    'external-source': 'kubernetes',
    'port-http': '8080',
    'tandem-owner': 'c1',
    'tandem-source': 'Service/default/web',
    team: 'blue',
  });
  assert.deepEqual(Object.keys(instance.meta), Object.keys(instance.meta).sort());
});

test('what is not known is not in the meta', () => {
  const bare = slice([{ addresses: ['10.1.0.1'] }]);
  const [instance] = synced(service(), { slices: [bare] }).instances;
  assert.deepEqual(Object.keys(instance?.meta ?? {}), [
    'external-k8s-ns',
    'external-source',
    'port-http',
    'tandem-owner',
    'tandem-source',
  ]);
});

test('a NodePort instance carries its node and the zone of the node', () => {
  const nodes = [node('node-1', { InternalIP: '10.0.0.1' }, 'zone-a')];
  const [instance] = synced(service({ spec: { type: 'NodePort' } }), { slices, nodes }).instances;
  assert.equal(instance?.meta['external-k8s-node-name'], 'node-1');
  assert.equal(instance?.meta['external-k8s-topology-zone'], 'zone-a');
});

const badMeta: readonly [string, string, RegExp][] = [
  ['a b', 'x', /1 to 128 characters/],
  ['', 'x', /1 to 128 characters/],
  ['k'.repeat(129), 'x', /1 to 128 characters/],
  ['consul-x', 'x', /starts? with "consul-"/],
  ['tandem-owner', 'other', /written by Tandem/],
  ['external-k8s-node-name', 'other', /written by Tandem/],
  ['external-source', 'other', /written by Tandem/],
  ['port-http', '1', /written by Tandem/],
  ['long', 'x'.repeat(513), /513 bytes/],
  ['wide', 'ü'.repeat(257), /514 bytes/],
  ['line', 'one\rtwo', /control character/],
  ['screen', '\u001b[2J', /control character/],
];

test('meta may have several lines', () => {
  const { instance, problems } = only({ 'service-meta-note': 'two\n\tlines' });
  assert.deepEqual([instance?.meta['note'], problems], ['two\n\tlines', []]);
});

for (const [key, value, message] of badMeta) {
  test(`meta: ${key.slice(0, 25)}=${JSON.stringify(value.slice(0, 8))} is left out, the rest is not`, () => {
    const { instance, problems } = only({ [`service-meta-${key}`]: value, 'service-meta-good': 'yes' });
    assert.equal(instance.meta['good'], 'yes');
    assert.notEqual(instance.meta[key], value);
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.reason, 'invalid-meta');
    assert.equal(problems[0]?.at, `consul.hashicorp.com/service-meta-${key}`);
    assert.match(problems[0]?.message ?? '', message);
  });
}

test('meta at its limits is kept', () => {
  const key = 'k'.repeat(128);
  const { instance, problems } = only({
    [`service-meta-${key}`]: 'x'.repeat(512),
    'service-meta-__proto__': 'own',
    'service-meta-port-other': 'mine',
    'service-meta-empty': '',
    'service-meta-block': 'shop\n',
  });
  assert.deepEqual(problems, []);
  assert.equal(instance.meta[key]?.length, 512);
  assert.equal(Object.getOwnPropertyDescriptor(instance.meta, '__proto__')?.value, 'own');
  assert.equal(instance.meta['port-other'], 'mine');
  assert.equal(instance.meta['empty'], '');
  assert.equal(instance.meta['block'], 'shop');
});

test('at most 64 pairs: the last annotations are left out, and one problem says how many', () => {
  const many = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`service-meta-k${String(index).padStart(2, '0')}`, 'v']),
    );
  // 64 less the 8 pairs that Tandem may write less one port.
  const full = only(many(55));
  assert.deepEqual([Object.keys(full.instance.meta).length, full.problems], [64, []]);
  const over = only(many(58));
  assert.equal(Object.keys(over.instance.meta).length, 64);
  assert.equal(over.instance.meta['k54'], 'v');
  assert.equal(over.instance.meta['k55'], undefined);
  assert.deepEqual(over.reasons, ['too-much-meta']);
  assert.match(over.problems[0]?.message ?? '', /; 3 are left out/);
});

test('a Service with more ports than meta has room for is registered with the first ones', () => {
  const ports = Array.from({ length: 60 }, (_, index) => ({ name: `p${index}`, port: 1000 + index }));
  const result = synced(service({ spec: { ports } }), {
    slices: [slice([endpoint('10.1.0.1')], { ports })],
  });
  assert.equal(Object.keys(result.instances[0]?.meta ?? {}).length, 64);
  assert.deepEqual(reasonsOf(result), ['too-much-meta']);
});

test('an annotation that looks misspelt is a problem that names the right one; others are left alone', () => {
  const misspelt = { 'service-tag': 'a', 'service-zzzzzzzz': 'x' };
  const { problems } = synced(service({ annotations: misspelt }));
  assert.deepEqual(
    problems.map(({ reason, at }) => `${reason} ${at}`),
    ['unknown-annotation consul.hashicorp.com/service-tag'],
  );
  assert.match(problems[0]?.message ?? '', /did you mean consul\.hashicorp\.com\/service-tags\?/);
});
