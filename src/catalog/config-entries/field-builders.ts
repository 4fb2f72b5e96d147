/** Short forms for rows of the table of kinds. */
import type {
  DurationField,
  EntryField,
  FieldTable,
  IntegerField,
  KeyedField,
  ListField,
  ObjectField,
  TextField,
} from './entry-table.ts';

type More<F extends EntryField, Given extends string = 'type' | 'doc'> = Omit<F, Given>;
type Plain = Pick<EntryField, 'isNotSent' | 'since'>;

export function textField(doc: string, more: More<TextField> = {}): TextField {
  return { type: 'string', doc, ...more };
}

export function choiceField(doc: string, allowed: readonly string[], more: More<TextField> = {}): TextField {
  return { type: 'string', doc, allowed, ...more };
}

export function integerField(doc: string, more: More<IntegerField> = {}): IntegerField {
  return { type: 'integer', doc, ...more };
}

/** Not negative. Consul takes a negative one where the level is `denied`. */
export function countField(
  doc: string,
  level: 'refused' | 'denied',
  more: More<IntegerField> = {},
): IntegerField {
  return { type: 'integer', doc, least: 0, level, ...more };
}

export function flagField(doc: string, more: Plain = {}): EntryField {
  return { type: 'boolean', doc, ...more };
}

export function durationField(doc: string, more: More<DurationField> = {}): DurationField {
  return { type: 'duration', doc, ...more };
}

/** A pointer in Consul: `{}` and absent differ. */
export function objectField(
  doc: string,
  fields: FieldTable,
  more: More<ObjectField, 'type' | 'doc' | 'fields'> = {},
): ObjectField {
  return { type: 'object', doc, fields, ...more };
}

/** A value in Consul: `{}` and absent are the same. */
export function structField(
  doc: string,
  fields: FieldTable,
  more: More<ObjectField, 'type' | 'doc' | 'fields' | 'isValue'> = {},
): ObjectField {
  return { type: 'object', doc, fields, isValue: true, ...more };
}

export function listField(
  doc: string,
  of: EntryField,
  more: More<ListField, 'type' | 'doc' | 'of'> = {},
): ListField {
  return { type: 'list', doc, of, ...more };
}

export function textsField(doc: string): ListField {
  return { type: 'list', doc, of: textField('') };
}

export function keyedField(doc: string, of: ObjectField): KeyedField {
  return { type: 'keyed', doc, of };
}

export function mapField(doc: string): EntryField {
  return { type: 'map', doc };
}

export function opaqueField(doc: string, more: Plain = {}): EntryField {
  return { type: 'opaque', doc, ...more };
}

export function weightField(doc: string): EntryField {
  return { type: 'number', doc, isWeight: true, least: 0, most: 100, level: 'denied' };
}

/** Never sent: many places of Consul's community edition refuse even an empty one. */
const TENANCY = { isNotSent: true, enterpriseExcept: ['default'] } as const;

export const namespaceField = textField(
  'Namespace in Consul. Only Consul Enterprise has any but `default`.',
  TENANCY,
);
export const partitionField = textField(
  'Admin partition in Consul. Only Consul Enterprise has any but `default`.',
  TENANCY,
);
