import { TRANSACTION_LIMITS } from '../../src/model/consul-names.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitBatch } from '../../src/catalog/to-consul/failed-batch.ts';
import { explainService } from '../../src/catalog/to-consul/explain-service.ts';
import type { Instance } from '../../src/model/instance.ts';
import {
  readEndpointSlice,
  readIngress,
  readNode,
  readService,
  type Service,
} from '../../src/model/kubernetes-objects.ts';
import { checkEntries, nodeServices } from '../../src/model/consul-entries.ts';
import { observeNode, type Observed } from '../../src/model/observed-node.ts';
import { createObservedIndex } from '../../src/catalog/to-consul/observed-index.ts';
import { isEmpty, plan } from '../../src/catalog/to-consul/consul-plan.ts';
import { desired, type RelatedObjects } from '../../src/catalog/to-consul/desired-instances.ts';
import type { ToConsulSettings } from '../../src/catalog/to-consul/to-consul-settings.ts';
import {
  batchesOf,
  changesOf,
  operationsOf,
  syncNode,
  type Batch,
  type Limits,
} from '../../src/catalog/to-consul/transactions.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../../src/reconcile/deletion-guard.ts';
import { rawIngresses, rawNodes, rawService, rawSlices, settings } from './arbitrary-service.ts';
import { createCatalog, type Catalog } from './consul-model.ts';

const SCOPE = { owner: 'c1', node: 'k8s-sync-c1' };

type RawRelated = {
  readonly slices: readonly unknown[];
  readonly nodes: readonly unknown[];
  readonly ingresses: readonly unknown[];
};

const around = fc.record({ slices: rawSlices, nodes: rawNodes, ingresses: rawIngresses });

function relatedOf({ slices, nodes, ingresses }: RawRelated): RelatedObjects {
  const known = new Map(
    nodes.flatMap((raw) => {
      const node = readNode(raw);
      return node === undefined ? [] : [[node.name, node] as const];
    }),
  );
  return {
    slices: slices.flatMap((raw) => readEndpointSlice(raw) ?? []),
    ingresses: ingresses.flatMap((raw) => readIngress(raw) ?? []),
    node: (name) => known.get(name),
  };
}

function serviceOf(raw: unknown): Service {
  const service = readService(raw);
  assert.ok(service);
  return service;
}

function instancesOf(raw: unknown, context: RawRelated, using: ToConsulSettings): readonly Instance[] {
  const result = desired(serviceOf(raw), relatedOf(context), using);
  return result.kind === 'sync' ? result.instances : [];
}

/** Kubernetes: the first port is the default, and the first address of a node or an endpoint is the one to use. */
const ORDERED = new Set(['ports', 'addresses']);

/** Everything that is an array gets another order, except where the order means something. */
function shuffled(value: unknown, random: () => number, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((each) => shuffled(each, random));
    return ORDERED.has(key)
      ? items
      : items
          .map((item) => [random(), item] as const)
          .sort(([left], [right]) => left - right)
          .map(([, item]) => item);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, each]) => [name, shuffled(each, random, name)]),
  );
}

test('equal input gives equal output to the byte, whatever its order', () => {
  let instances = 0;
  fc.assert(
    fc.property(
      rawService,
      around,
      settings,
      fc.array(fc.nat(1000), { minLength: 64, maxLength: 64 }),
      (raw, context, using, numbers) => {
        let next = 0;
        const random = (): number => numbers[(next += 1) % numbers.length] ?? 0;
        const straight = desired(serviceOf(raw), relatedOf(context), using);
        const mixed = desired(
          serviceOf(shuffled(raw, random)),
          relatedOf(shuffled(context, random) as RawRelated),
          using,
        );
        assert.equal(JSON.stringify(mixed), JSON.stringify(straight));
        if (straight.kind === 'sync') instances += straight.instances.length;
      },
    ),
    { numRuns: 2000 },
  );
  assert.ok(instances > 1000, `${instances} instances were compared`);
});

test('what is desired is what Consul takes, and says whose it is', () => {
  fc.assert(
    fc.property(rawService, around, settings, (raw, context, using) => {
      for (const instance of instancesOf(raw, context, using)) {
        assert.ok(instance.name.length >= 1 && instance.name.length <= 255);
        assert.ok(instance.id.startsWith(`${instance.name}-`));
        assert.ok(instance.address !== '');
        assert.ok(instance.weight >= 1 && instance.weight <= 65535);
        const pairs = Object.entries(instance.meta);
        assert.ok(pairs.length <= 64);
        for (const [key, value] of pairs) {
          assert.match(key, /^[A-Za-z0-9_-]{1,128}$/);
          assert.ok(Buffer.byteLength(value) <= 512);
        }
        assert.equal(instance.meta['tandem-owner'], 'c1');
        assert.equal(
          instance.meta['tandem-source'],
          `Service/${raw.metadata.namespace}/${raw.metadata.name}`,
        );
      }
    }),
    { numRuns: 2000 },
  );
});

test('two instances never share an id, in the way that Consul compares them', () => {
  const services = fc.uniqueArray(fc.tuple(rawService, around), {
    selector: ([{ metadata }]) => `${metadata.namespace}/${metadata.name}`,
    maxLength: 4,
  });
  fc.assert(
    fc.property(services, settings, (all, using) => {
      const ids = all.flatMap(([raw, context]) =>
        instancesOf(raw, context, using).map(({ id }) => id.toLowerCase()),
      );
      assert.equal(new Set(ids).size, ids.length);
    }),
    { numRuns: 2000 },
  );
});

/** A value somewhere inside of the JSON replaced by any other. */
function damaged(value: unknown, path: readonly number[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return by;
  const entries = Object.entries(value);
  const at = entries.length === 0 ? 0 : step % entries.length;
  const changed = entries.map(
    ([key, each], index) => [key, index === at ? damaged(each, rest, by) : each] as const,
  );
  return Array.isArray(value) ? changed.map(([, each]) => each) : Object.fromEntries(changed);
}

test('nothing throws, whatever the JSON is', () => {
  const damage = fc.tuple(fc.array(fc.nat(7), { maxLength: 7 }), fc.jsonValue());
  fc.assert(
    fc.property(
      rawService,
      around,
      settings,
      fc.array(damage, { maxLength: 3 }),
      (raw, context, using, all) => {
        let broken: unknown = { raw, context };
        for (const [path, by] of all) broken = damaged(broken, path, by);
        const found = broken as { raw?: unknown; context?: Partial<RawRelated> } | null;
        const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
        const related = relatedOf({
          slices: list(found?.context?.slices),
          nodes: list(found?.context?.nodes),
          ingresses: list(found?.context?.ingresses),
        });
        const service = readService(found?.raw);
        if (service === undefined) return;
        const result = desired(service, related, using);
        const explained = explainService(service, related, using, { observed: [], scope: SCOPE });
        assert.equal(explained.source, result.source);
      },
    ),
    { numRuns: 3000 },
  );
});

const service = fc.record(
  {
    ID: fc.string(),
    Service: fc.string(),
    Port: fc.nat(),
    Meta: fc.constantFrom(null, {}),
    Tags: fc.jsonValue(),
  },
  { requiredKeys: ['ID', 'Service'] },
);

test('what Consul answers is read as a whole or not at all, never less of a list', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: service }, fc.jsonValue())), (list) => {
      const read = wholeOf({ Node: { Node: 'n', Address: '' }, Services: list }, []);
      assert.ok(read === undefined || read.instances.length === list.length);
    }),
    { numRuns: 2000 },
  );
});

function wholeOf(services: unknown, checks: unknown): Observed | undefined {
  try {
    return observeNode(nodeServices(services), checkEntries(checks));
  } catch {
    return undefined;
  }
}

function observe(catalog: Catalog) {
  // As on the wire; and the answer of a catalog that knows everything is always whole.
  const body = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  const observed = wholeOf(body(catalog.nodeServices()), body(catalog.nodeChecks()));
  assert.ok(observed);
  return observed;
}

/** What a controller does in one pass, without its edges. @returns the ids that Consul refused */
function converge(catalog: Catalog, wanted: readonly Instance[], limits: Limits): string[] {
  const { node, instances } = observe(catalog);
  const changes = changesOf(plan(wanted, instances, SCOPE), SCOPE.node);
  const { batches, tooLarge } = batchesOf(changes, syncNode(SCOPE.node, node), limits);
  assert.deepEqual(tooLarge, []);
  return batches.flatMap((batch) => send(catalog, batch));
}

test('what is recorded of writes is what a read gives then', () => {
  fc.assert(
    fc.property(twoGenerations, ([before, after, within]) => {
      const catalog = createCatalog();
      converge(catalog, unique(before), within);
      const index = createObservedIndex(SCOPE);
      index.replace(observe(catalog).instances);
      const wanted = unique(after);
      const found = plan(wanted, index.forPlan(index.sources(), wanted), SCOPE);
      assert.deepEqual(found, plan(wanted, observe(catalog).instances, SCOPE));
      index.record(changesOf(found, SCOPE.node));
      converge(catalog, wanted, within);
      const sorted = (instances: readonly Instance[]) =>
        instances.toSorted((left, right) => (left.id < right.id ? -1 : 1));
      assert.deepEqual(sorted(index.forPlan(index.sources(), [])), sorted(observe(catalog).instances));
      assert.equal(index.owned(), wanted.length);
    }),
    { numRuns: 300 },
  );
});

function send(catalog: Catalog, batch: Batch): string[] {
  const errors = catalog.transact(operationsOf(batch));
  if (errors.length === 0) return [];
  // Half of the servers do not say which operation it was.
  const split = splitBatch(batch, catalog.bodies.length % 2 === 0 ? errors : [], 'refused');
  if (split.kind === 'halved') return split.halves.flatMap((half) => send(catalog, half));
  assert.ok(split.kind === 'isolated');
  const rest = split.rest === undefined ? [] : send(catalog, split.rest);
  return [...split.refused.map(({ change }) => change.instance.id), ...rest];
}

const generation = fc.tuple(rawService, around, settings);
const limits = fc.record({
  operations: fc.integer({ min: 4, max: 20 }),
  bytes: fc.integer({ min: 20_000, max: 40_000 }),
});

/** Instances of two Services: the first ones are in Consul, then the second ones are wanted. */
const twoGenerations = fc.tuple(
  fc.array(generation, { maxLength: 3 }),
  fc.array(generation, { maxLength: 3 }),
  limits,
);

function unique(generations: readonly (readonly [unknown, RawRelated, ToConsulSettings])[]): Instance[] {
  const all = generations.flatMap(([raw, context, using]) => instancesOf(raw, context, using));
  return [...new Map(all.map((each) => [each.id.toLowerCase(), each])).values()];
}

test('after the plan is applied, what is observed is what is desired, and a second plan is empty', () => {
  let written = 0;
  fc.assert(
    fc.property(twoGenerations, ([before, after, within]) => {
      const catalog = createCatalog();
      converge(catalog, unique(before), within);
      const wanted = unique(after);
      converge(catalog, wanted, within);
      const second = plan(wanted, observe(catalog).instances, SCOPE);
      assert.equal(isEmpty(second), true);
      assert.equal(second.unchanged, wanted.length);
      assert.deepEqual(
        observe(catalog)
          .instances.map(({ id }) => id)
          .sort(),
        wanted.map(({ id }) => id).sort(),
      );
      assert.deepEqual(converge(catalog, wanted, within), []);
      written += catalog.bodies.length;
    }),
    { numRuns: 500 },
  );
  assert.ok(written > 100, `${written} transactions were sent`);
});

const owner = fc.constantFrom(undefined, 'c1', 'c2', 'C1', '');

test('what is not ours is never in a plan, whatever it is called', () => {
  fc.assert(
    fc.property(twoGenerations, fc.infiniteStream(owner), ([before, after], owners) => {
      const present = unique(before).map((instance) => {
        const chosen = owners.next().value;
        const meta = { ...instance.meta, ...(chosen === undefined ? {} : { 'tandem-owner': chosen }) };
        if (chosen === undefined) delete meta['tandem-owner'];
        return { ...instance, meta, node: SCOPE.node, kind: '', warningWeight: 1, otherChecks: [] };
      });
      const found = plan(unique(after), present, SCOPE);
      const foreign = new Set(
        present.filter(({ meta }) => meta['tandem-owner'] !== 'c1').map(({ id }) => id.toLowerCase()),
      );
      const changed = [
        ...found.register,
        ...found.update.map(({ instance }) => instance),
        ...found.deregister,
      ];
      for (const { id } of changed) assert.equal(foreign.has(id.toLowerCase()), false);
      assert.equal(found.foreign, foreign.size);
      assert.equal(
        found.update.length + found.deregister.length + found.unchanged + foreign.size,
        present.length,
      );
    }),
    { numRuns: 500 },
  );
});

test('batches hold each operation once, in order, within the limits, to the byte', () => {
  fc.assert(
    fc.property(twoGenerations, fc.boolean(), ([before, after, within], registered) => {
      const present = unique(before).map((each) => ({
        ...each,
        node: SCOPE.node,
        kind: '',
        warningWeight: 1,
        otherChecks: [],
      }));
      const changes = changesOf(plan(unique(after), present, SCOPE), SCOPE.node);
      const { batches, tooLarge } = batchesOf(changes, { name: SCOPE.node, registered }, within);
      assert.deepEqual(tooLarge, []);
      const sent = batches.flatMap((batch) => operationsOf(batch).filter((each) => !('Node' in each)));
      assert.deepEqual(
        sent,
        changes.flatMap(({ operations }) => operations),
      );
      for (const batch of batches) {
        const operations = operationsOf(batch);
        assert.ok(operations.length <= within.operations);
        assert.equal(batch.bytes, Buffer.byteLength(JSON.stringify(operations)));
        assert.ok(batch.bytes <= within.bytes);
        assert.equal(operations.filter((each) => 'Node' in each).length, registered ? 0 : 1);
      }
    }),
    { numRuns: 500 },
  );
});

test('exactly the refused instances are found, and all others are written', () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(generation, { maxLength: 3 }), fc.infiniteStream(fc.boolean()), (wanted, coin) => {
      const instances = unique(wanted).map((each) => ({ ...each, tags: coin.next().value ? ['bad'] : [] }));
      const catalog = createCatalog(new Set(['bad']));
      const refused = converge(catalog, instances, TRANSACTION_LIMITS);
      const bad = instances.filter(({ tags }) => tags.length > 0);
      assert.deepEqual(refused.sort(), bad.map(({ id }) => id).sort());
      assert.equal(observe(catalog).instances.length, instances.length - bad.length);
      found += refused.length;
    }),
    { numRuns: 500 },
  );
  assert.ok(found > 100, `${found} were refused`);
});

test('the guard lets pass what it must, and nothing above', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.nat(400), (removals, owned) => {
      const ids = Array.from({ length: removals }, (_, index) => String(index));
      const { size } = createDeletionGuard({ elapsed: () => 0 }, MANY_AT_ONCE).withheld(ids, owned, false);
      assert.equal(size, removals <= 10 || removals <= owned * 0.3 ? 0 : removals);
    }),
  );
});
