import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readService } from '../../../src/model/kubernetes-objects.ts';
import { desired } from '../../../src/catalog/to-consul/desired-instances.ts';
import { endpoint, reasonsOf, service, SETTINGS, slice, synced } from '../catalog/to-consul/objects.ts';

const slices = [slice([endpoint('10.1.0.1')])];

test('what a file holds without quotes is meant as its text, and should be quoted', () => {
  const unquoted = {
    'service-port': 8443,
    'service-weight': 7,
    'service-meta-x': true,
    'service-tags': null,
  };
  const { instances, problems } = synced(service({ annotations: unquoted }), { slices });
  const [instance] = instances;
  assert.deepEqual(
    [instance?.port, instance?.weight, instance?.meta['x'], instance?.tags],
    [8443, 7, 'true', ['k8s']],
  );
  assert.deepEqual(
    problems.map(({ reason, at }) => `${reason} ${at}`),
    ['port', 'weight', 'meta-x', 'tags'].map(
      (name) => `unquoted-annotation consul.hashicorp.com/service-${name}`,
    ),
  );
  assert.match(problems[0]?.message ?? '', /^8443 is not a string, .*; put it in quotes$/);
  assert.match(problems[3]?.message ?? '', /^nothing is not a string/);
  const off = desired(
    service({ annotations: { 'service-sync': false } }),
    { slices, node: () => undefined, ingresses: [] },
    SETTINGS,
  );
  assert.deepEqual([off.kind, reasonsOf(off)], ['skip', ['unquoted-annotation']]);
});

test('a list of annotations, or a text, is told and has no effect', () => {
  for (const annotations of [[{ 'consul.hashicorp.com/service-sync': 'false' }], 'service-sync: false']) {
    const read = readService({ metadata: { namespace: 'shop', name: 'web', annotations }, spec: {} });
    assert.ok(read);
    const { problems } = synced(read, { slices });
    assert.deepEqual(
      problems.map(({ reason, at }) => `${reason} ${at}`),
      ['annotations-no-map metadata.annotations'],
    );
  }
});

test('all the meta that Consul takes is kept', () => {
  const meta = Object.fromEntries(
    Array.from({ length: 56 }, (_, index) => [
      `service-meta-${String(index).padEnd(128, 'k')}`,
      'v'.repeat(512),
    ]),
  );
  const { problems } = synced(service({ annotations: meta, spec: { ports: [] } }), { slices });
  assert.deepEqual(problems, []);
});

test('what is more than that has no effect, is told, and crowds out nothing that decides', () => {
  const large = {
    'service-tags': 'x'.repeat(250_000),
    'service-port': 'y'.repeat(250_000),
    'service-name': 'front',
    ...Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`service-meta-a${index}`, 'v'])),
  };
  const given = service({ annotations: large });
  const kept = [...given.annotations].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  assert.ok(kept < 50_000, `${kept} characters`);
  assert.deepEqual(reasonsOf(synced(given, { slices })).toSorted(), [
    'port-not-found',
    'too-much-annotation',
    'too-much-meta',
  ]);
  const { instances, problems } = synced(service({ annotations: { ...large, 'service-port': '9' } }), {
    slices,
  });
  assert.deepEqual([instances[0]?.name, instances[0]?.port], ['front', 9]);
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    ['too-much-annotation', 'too-much-meta'],
  );
});

test('of many annotations that cannot be used the first are told one by one', () => {
  const bad = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`service-meta-${index}!`, 'v']));
  const { problems } = synced(service({ annotations: bad }), { slices });
  assert.equal(problems.length, 11);
  assert.match(problems.at(-1)?.message ?? '', /^90 more /);
});
