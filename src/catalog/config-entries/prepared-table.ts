/**
 * The table of a kind, prepared for validation. What validation needs of each field is computed once. Of an object, it visits
 * only the fields that are there: an object has few of those that it could have.
 */
import type { EntryField, EntryRule, FieldTable } from './entry-table.ts';

export type PreparedField = {
  readonly name: string;
  readonly field: EntryField;
  /** In its table. */
  readonly place: number;
  /** Checked even if it is absent. */
  readonly isRequired: boolean;
  /** Some values are for Consul Enterprise or a newer Consul. */
  readonly isRestricted: boolean;
  /** What is in an object. */
  readonly table: PreparedTable | undefined;
  /** What each element of a list is, or each value of a map. */
  readonly element: PreparedField | undefined;
};

export type PreparedTable = {
  readonly byName: ReadonlyMap<string, PreparedField>;
  readonly required: readonly PreparedField[];
  readonly rules: readonly EntryRule[];
};

type Fields = { readonly fields: FieldTable; readonly rules?: readonly EntryRule[] };

const prepared = new WeakMap<Fields, PreparedTable>();

/** @param fields of a kind, or of an object in it */
export function preparedTable(fields: Fields): PreparedTable {
  let table = prepared.get(fields);
  if (table === undefined) prepared.set(fields, (table = prepareTable(fields)));
  return table;
}

function prepareTable({ fields, rules = [] }: Fields): PreparedTable {
  const all = Object.entries(fields).map(([name, field], place) => prepareField(name, field, place));
  return {
    byName: new Map(all.map((each) => [each.name, each])),
    required: all.filter(({ isRequired }) => isRequired),
    rules,
  };
}

function prepareField(name: string, field: EntryField, place: number): PreparedField {
  return {
    name,
    field,
    place,
    isRequired: field.type === 'string' && field.isRequired === true,
    isRestricted: field.since !== undefined || field.enterpriseExcept !== undefined,
    table: field.type === 'object' ? preparedTable(field) : undefined,
    element: field.type === 'list' || field.type === 'keyed' ? prepareField(name, field.of, 0) : undefined,
  };
}

/** Keeps the order of the table; most authors write fields in it. */
export function insertInOrder(fields: PreparedField[], field: PreparedField): void {
  let at = fields.push(field) - 1;
  for (; at > 0; at -= 1) {
    const before = fields[at - 1] as PreparedField;
    if (before.place < field.place) break;
    fields[at] = before;
  }
  fields[at] = field;
}
