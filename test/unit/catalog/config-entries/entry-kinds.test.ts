import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crdOf } from '../../../../src/catalog/config-entries/crd-schema.ts';
import { ENTRY_KINDS, entryKindOf } from '../../../../src/catalog/config-entries/entry-kinds.ts';
import type { EntryField, FieldTable } from '../../../../src/catalog/config-entries/entry-table.ts';
import { validateEntry } from '../../../../src/catalog/config-entries/validate-entry.ts';
import { isObject } from '../../../../src/support/json.ts';
import { samples } from './samples.ts';

test('a kind is found by both of its names, and no other is', () => {
  assert.equal(entryKindOf('ServiceRouter'), entryKindOf('service-router'));
  assert.equal(entryKindOf('constructor'), undefined);
  assert.equal(ENTRY_KINDS.length, 13);
});

test('what others refer to is written before them', () => {
  const order = ENTRY_KINDS.map(({ entryKind }) => entryKind);
  assert.deepEqual(order, [
    'mesh',
    'proxy-defaults',
    'service-defaults',
    'jwt-provider',
    'service-resolver',
    'service-splitter',
    'service-router',
    'exported-services',
    'ingress-gateway',
    'terminating-gateway',
    'service-intentions',
    'sameness-group',
    'control-plane-request-limit',
  ]);
});

for (const { kind, object } of samples)
  test(`the example of ${kind.kind} has no problem but those of its edition`, () => {
    const problems = validateEntry(kind, object).filter(({ level }) => level !== 'warning');
    assert.deepEqual(
      problems.map(({ reason }) => reason),
      kind.enterprise === true ? ['UnsupportedByConsul'] : [],
    );
  });

test('every field of a CRD has a description', () => {
  const missing = ENTRY_KINDS.flatMap((kind) => undescribed(crdOf(kind), kind.kind));
  assert.deepEqual(missing, []);
  assert.deepEqual(undescribed({ properties: { a: { type: 'string' } } }, 'X'), ['X.a']);
});

test('no field has a name that every object inherits', () => {
  const inherited = ENTRY_KINDS.flatMap(({ fields }) => fieldNames(fields)).filter((name) => name in {});
  assert.deepEqual(inherited, []);
});

function fieldNames(fields: FieldTable): string[] {
  return Object.entries(fields).flatMap(([name, field]) => [name, ...namesBelow(field)]);
}

function namesBelow(field: EntryField): string[] {
  if (field.type === 'object') return fieldNames(field.fields);
  return field.type === 'list' || field.type === 'keyed' ? namesBelow(field.of) : [];
}

/** Schemas below `properties` without a description. */
function undescribed(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => undescribed(each, path));
  if (!isObject(value)) return [];
  const properties = isObject(value['properties']) ? value['properties'] : {};
  const missing = Object.entries(properties).flatMap(([name, schema]) =>
    name === 'metadata' ||
    (isObject(schema) && typeof schema['description'] === 'string' && schema['description'].length > 3)
      ? []
      : [`${path}.${name}`],
  );
  return [...missing, ...Object.entries(value).flatMap(([key, each]) => undescribed(each, `${path}.${key}`))];
}
