import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalEntry } from '../../src/catalog/config-entries/canonical-entry.ts';
import { entryDifferences } from '../../src/catalog/config-entries/entry-differences.ts';
import { ENTRY_KINDS } from '../../src/catalog/config-entries/entry-kinds.ts';
import { entryName, toConsulEntry } from '../../src/catalog/config-entries/to-consul-entry.ts';
import { validateEntry } from '../../src/catalog/config-entries/validate-entry.ts';
import type { JsonObject } from '../../src/support/json.ts';
import { anySpec, objectOf, seriousProblems, validSpec } from './arbitrary-entry.ts';

const kinds = ENTRY_KINDS.filter(({ enterprise }) => enterprise !== true);

/** Where the value is replaced by another, at a place that the numbers choose. */
function damaged(value: unknown, route: readonly number[], by: unknown): unknown {
  const [step, ...rest] = route;
  if (step === undefined || typeof value !== 'object' || value === null) return by;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return by;
  const change = (name: string, each: unknown): unknown => (name === key ? damaged(each, rest, by) : each);
  if (Array.isArray(value)) return value.map((each, index) => change(String(index), each));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, change(name, each)]));
}

for (const kind of kinds) {
  test(`${kind.kind}: a valid object keeps its meaning, and each of its fields counts`, () => {
    fc.assert(
      fc.property(validSpec(kind), (object) => {
        const entry = toConsulEntry(kind, object);
        assert.deepEqual(entryDifferences(kind, entry, asRead(canonicalEntry(kind, entry, 'sent'))), []);
      }),
      { numRuns: 30 },
    );
  });

  test(`${kind.kind}: whatever the values are, every function gives an answer`, () => {
    fc.assert(
      fc.property(
        anySpec(kind),
        fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
        fc.jsonValue({ maxDepth: 2 }),
        (object, route, by) => {
          const spec = damaged(object.spec, route, by);
          const odd = objectOf(kind, spec);
          assert.ok(validateEntry(kind, odd).length <= 100);
          assert.equal(typeof entryName(kind, odd), 'string');
          const entry = toConsulEntry(kind, odd);
          JSON.stringify(entryDifferences(kind, entry, toConsulEntry(kind, object)));
        },
      ),
      { numRuns: 60 },
    );
  });
}

test('a planted problem is reported beside every other one', () => {
  const kind = kinds.find(({ entryKind }) => entryKind === 'service-intentions');
  assert.ok(kind !== undefined);
  fc.assert(
    fc.property(anySpec(kind), (object) => {
      const sources = object.spec['sources'] as readonly JsonObject[];
      const before = seriousProblems(kind, object).length;
      const planted = { ...object.spec, sources: [...sources, { name: 'planted', action: 'alow' }] };
      const after = seriousProblems(kind, { ...object, spec: planted });
      assert.ok(after.length > before || before >= 100);
      assert.ok(after.some(({ path }) => path === `spec.sources[${sources.length}].action`));
    }),
    { numRuns: 50 },
  );
});

/** The sets of a canonical form are objects by their keys; as Consul reads them out they are lists. */
function asRead(canonical: JsonObject): JsonObject {
  const { Sources } = canonical;
  return Sources === undefined ? canonical : { ...canonical, Sources: Object.values(Sources as object) };
}
