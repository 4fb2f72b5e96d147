/** What holds of every plan for Kubernetes, whatever Consul has and whatever is in the namespace. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConsulInstance } from '../../src/catalog/to-kubernetes/consul-service.ts';
import { planToK8s, type ToK8sPlan } from '../../src/catalog/to-kubernetes/object-plan.ts';
import { toK8sModes, type ToK8sSettings } from '../../src/catalog/to-kubernetes/to-k8s-settings.ts';
import { ENDPOINTS_PER_SLICE } from '../../src/catalog/to-kubernetes/slices.ts';
import { cidrLookup } from '../../src/support/cidr.ts';
import { listOf, SETTINGS } from '../unit/catalog/to-kubernetes/consul-side.ts';
import { createNamespace, type NamespaceModel } from './kubernetes-model.ts';

const NAMES = ['web', 'api', 'a_b', 'a.b', 'a-b', 'Web2', '9x'] as const;

const anyAddress = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 250 }).map((last) => `10.0.0.${last}`) },
  fc.integer({ min: 1, max: 99 }).map((last) => `fd00::${last}`),
  fc.constantFrom(
    'db.test',
    'other.test',
    '127.0.0.1',
    '10.96.0.1',
    'fd01::1',
    'web.shop.svc.cluster.local',
    '',
  ),
);
const anyInstance: fc.Arbitrary<ConsulInstance> = fc.record({
  address: anyAddress,
  port: fc.constantFrom(80, 80, 8080, 0),
  zone: fc.constantFrom(undefined, 'a', 'b'),
  isHealthy: fc.boolean(),
});
const anyInstances = fc.oneof(
  fc.constant(undefined),
  fc.array(anyInstance, { minLength: 1, maxLength: 12 }),
  fc.array(anyInstance, { minLength: 100, maxLength: 250, size: 'max' }),
);
const anyConsul = fc.dictionary(fc.constantFrom(...NAMES), anyInstances, { noNullPrototype: true });
const anySettings: fc.Arbitrary<ToK8sSettings> = fc.record({
  ...Object.fromEntries(Object.entries(SETTINGS).map(([key, value]) => [key, fc.constant(value)])),
  mode: fc.constantFrom(...toK8sModes),
  prefix: fc.constantFrom('', 'c-'),
}) as fc.Arbitrary<ToK8sSettings>;

const CLUSTER = { rangeOf: cidrLookup(['10.96.0.0/12', 'fd01::/64']) };

type Consul = Readonly<Record<string, readonly ConsulInstance[] | undefined>>;

function planOf(consul: Consul, namespace: NamespaceModel, settings: ToK8sSettings): ToK8sPlan {
  const list = listOf(Object.fromEntries(Object.keys(consul).map((name) => [name, []])));
  return planToK8s(list, (name) => consul[name], namespace, settings, CLUSTER);
}

/** Applies plans until nothing is left, as the loop does; a Service that must be made anew takes two. */
function converge(consul: Consul, namespace: NamespaceModel, settings: ToK8sSettings): void {
  for (let round = 0; round < 2; round += 1) {
    const plan = planOf(consul, namespace, settings);
    for (const change of [...plan.create, ...plan.update, ...plan.delete]) {
      const status = namespace.apply(change);
      assert.ok(status < 300, `${status} ${JSON.stringify(change)}`);
    }
  }
  const left = planOf(consul, namespace, settings);
  assert.deepEqual([left.create, left.update, left.delete], [[], [], []]);
}

test('what a plan says is accepted, and then nothing is left; so from any state to any other', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyConsul, anySettings), { minLength: 1, maxLength: 4 }), (states) => {
      const namespace = createNamespace();
      for (const [consul, settings] of states) converge(consul, namespace, settings);
    }),
    { numRuns: 150 },
  );
});

test('slices have 100 endpoints at most, every healthy address once, and nothing unhealthy', () => {
  fc.assert(
    fc.property(fc.array(anyConsul, { minLength: 1, maxLength: 3 }), (states) => {
      const namespace = createNamespace();
      for (const consul of states) converge(consul, namespace, SETTINGS);
      const last = states.at(-1) ?? {};
      for (const { endpoints } of namespace.slices.values())
        assert.ok(endpoints.length >= 1 && endpoints.length <= ENDPOINTS_PER_SLICE);
      for (const [name, instances] of Object.entries(last)) {
        const slices = [...namespace.slices.values()].filter(({ source }) => source === name);
        if (instances === undefined || slices.length === 0) continue;
        const found = slices.flatMap(({ port, endpoints }) =>
          endpoints.map(({ address }) => `${address} ${port}`),
        );
        const healthy = instances.filter(
          ({ address, isHealthy }) => isHealthy && /^(?:10\.0\.|fd00)/.test(address),
        );
        const expected = new Set(healthy.map(({ address, port }) => `${address} ${port}`));
        assert.deepEqual(found.toSorted(), [...expected].toSorted(), name);
      }
    }),
    { numRuns: 100 },
  );
});

test('what is not ours is in no plan, and gets no slices beside it', () => {
  const owners = fc.constantFrom(undefined, 'c2', '');
  fc.assert(
    fc.property(anyConsul, fc.array(fc.constantFrom('web', 'api', 'a-b')), owners, (consul, taken, owner) => {
      const namespace = createNamespace();
      const annotations = owner === undefined ? {} : { 'tandem/owner': owner };
      for (const name of taken) {
        const metadata = {
          annotations,
          labels: { consul: 'true', 'app.kubernetes.io/managed-by': 'tandem' },
        };
        namespace.interfere('Service', name, { metadata, spec: { ports: [{ port: 1 }] } });
        const slice = `${name}-ipv4-80-1`;
        const labels = { 'kubernetes.io/service-name': name };
        const object = { metadata: { annotations, labels }, addressType: 'IPv4', ports: [], endpoints: [] };
        namespace.interfere('EndpointSlice', slice, object);
      }
      const before = [...namespace.services.values(), ...namespace.slices.values()];
      converge(consul, namespace, SETTINGS);
      const after = new Set([...namespace.services.values(), ...namespace.slices.values()]);
      assert.ok(before.every((each) => after.has(each)));
      for (const { labels, owner: of } of namespace.slices.values())
        if (of === 'c1') assert.ok(!taken.some((name) => name === labels['kubernetes.io/service-name']));
    }),
  );
});

test('one endpoint more or less changes one slice', () => {
  const many = fc.integer({ min: 101, max: 250 });
  fc.assert(
    fc.property(many, fc.nat(), fc.boolean(), (count, at, isMore) => {
      const instances = Array.from({ length: count }, (_, index) => ({
        address: `10.0.${Math.floor(index / 200)}.${index % 200}`,
        port: 80,
        zone: undefined,
        isHealthy: true,
      }));
      const namespace = createNamespace();
      converge({ web: instances }, namespace, SETTINGS);
      const more = [...instances, { address: '10.0.0.254', port: 80, zone: 'a', isHealthy: true }];
      const next = isMore ? more : instances.toSpliced(at % count, 1);
      const plan = planOf({ web: next }, namespace, SETTINGS);
      assert.equal(plan.create.length + plan.update.length + plan.delete.length, 1);
    }),
    { numRuns: 50 },
  );
});
