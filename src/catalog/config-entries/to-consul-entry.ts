/** A custom resource as the entry that is sent to Consul. */
import { isObject, property, textAt, type JsonObject } from '../../support/json.ts';
import { consulKeyOf } from './consul-key.ts';
import { ENTRY_NAME_ANNOTATION, type EntryObject } from './entry-object.ts';
import { isSet } from './entry-rules.ts';
import type { EntryField, EntryKind, FieldTable } from './entry-table.ts';

/** The name in Consul; empty for an object that names no destination, which is refused anyway. */
export function entryName({ naming }: EntryKind, { name, annotations, spec }: EntryObject): string {
  if (naming.from === 'none') return naming.only;
  if (naming.from === 'destination') return textAt(property(spec, 'destination'), 'name');
  return annotations.get(ENTRY_NAME_ANNOTATION) ?? name;
}

/**
 * Kind, name and fields in Consul's spelling, without Meta. Fields that the table does not know are left out.
 *
 * @param object accepted by the validator; a value whose type is not that of the table is kept
 */
export function toConsulEntry(kind: EntryKind, object: EntryObject): JsonObject {
  const name = kind.naming.from === 'none' ? {} : { Name: entryName(kind, object) };
  return { Kind: kind.entryKind, ...name, ...toConsulFields(kind.fields, object.spec) };
}

function toConsulFields(fields: FieldTable, value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]): [string, unknown][] => {
      if (field.isNotSent === true || (field.since !== undefined && !isSet(value, name))) return [];
      const found = property(value, name);
      const sent = isAbsent(field, found) ? whenAbsent(field) : toConsulValue(field, found);
      return sent === undefined ? [] : [[consulKeyOf(name, field), sent]];
    }),
  );
}

/** Consul cannot read an empty duration. */
function isAbsent(field: EntryField, value: unknown): boolean {
  return value === undefined || value === null || (value === '' && field.type === 'duration');
}

function whenAbsent(field: EntryField): unknown {
  return field.type === 'duration' ? field.sentWhenAbsent : undefined;
}

function toConsulValue(field: EntryField, value: unknown): unknown {
  switch (field.type) {
    case 'object':
      return isObject(value) ? toConsulFields(field.fields, value) : value;
    case 'list':
      return Array.isArray(value) ? value.map((each: unknown) => toConsulValue(field.of, each)) : value;
    case 'keyed':
      return isObject(value)
        ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toConsulValue(field.of, each)]))
        : value;
    case 'bytes':
      return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value;
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
    case 'duration':
    case 'map':
    case 'opaque':
      return value;
  }
}
