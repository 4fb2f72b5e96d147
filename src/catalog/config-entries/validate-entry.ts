/** Every problem of a custom resource at once, without looking at other objects. */
import { formatGoDuration, parseGoDuration } from '../../support/go-duration.ts';
import { hasNullInList, isNestedAtMost, isObject, type JsonObject } from '../../support/json.ts';
import { mustBeString, nearest, quote } from '../../support/text.ts';
import { ENTRY_NAME_ANNOTATION, type EntryObject } from './entry-object.ts';
import { fieldPath } from './entry-path.ts';
import { deniedAt, isSet, LONGEST_NAME, refusedAt, wordList } from './entry-rules.ts';
import type {
  EntryField,
  EntryKind,
  IntegerField,
  ProblemLevel,
  RuleProblem,
  TextField,
} from './entry-table.ts';
import { insertInOrder, preparedTable, type PreparedField, type PreparedTable } from './prepared-table.ts';
import { entryName } from './to-consul-entry.ts';

export type EntryProblem = {
  /** `spec.sources[1].action` */
  readonly path: string;
  /** The same path as keys. */
  readonly keys: readonly (string | number)[];
  /** What was found and what is allowed, without a full stop. */
  readonly message: string;
  readonly level: ProblemLevel;
  readonly reason?: 'UnsupportedByConsul';
};

/** Deeper than any configuration of a proxy. Code that writes an entry out recurses as deep as it is nested. */
const DEEPEST = 64;
/** More than anybody reads, and a message must stay one that the API server stores. */
const MOST = 100;
/** A stranger decides how many problems there are; after this many, nobody looks for more. */
const MOST_FOUND = 1000;

/**
 * In the order of the table; at most 100, the last of which then says how many there are.
 *
 * @param object as its author wrote it: no type is taken for granted
 */
export function validateEntry(kind: EntryKind, object: EntryObject): readonly EntryProblem[] {
  const found = problemsOf(kind, object);
  const problems = found.slice(0, MOST).map(({ path, message, level, isUnsupported }) => ({
    path: fieldPath(path),
    keys: path,
    message,
    level,
    ...(isUnsupported === true ? { reason: 'UnsupportedByConsul' as const } : {}),
  }));
  if (found.length <= MOST) return problems;
  // Nobody knows whether Consul survives what was not checked.
  const isWhole = found.length < MOST_FOUND;
  const isRefused = !isWhole || found.slice(MOST - 1).some((each) => each.level === 'refused');
  const level = isRefused ? 'refused' : 'denied';
  const count = isWhole ? String(found.length) : `${MOST_FOUND} or more`;
  const message = `has ${count} problems; fix those before this one first`;
  return [...problems.slice(0, MOST - 1), { path: 'spec', keys: ['spec'], message, level }];
}

function problemsOf(kind: EntryKind, object: EntryObject): readonly RuleProblem[] {
  if (!isNestedAtMost(DEEPEST, object.spec))
    return [refusedAt(['spec'], `is nested more than ${DEEPEST} deep`)];
  const found: RuleProblem[] = [...nameProblems(kind, object)];
  if (kind.enterprise === true)
    found.push(unsupported(['kind'], `${kind.kind} is a kind of Consul Enterprise`));
  else
    checkObject(preparedTable(kind), object.spec, { name: entryName(kind, object), found, path: ['spec'] });
  return found;
}

/** What a walk carries along. */
type Check = {
  readonly name: string;
  readonly found: RuleProblem[];
  /** Where the walk is. Few values have a problem, and only those cost a path of their own. */
  readonly path: (string | number)[];
};

/** @param problem with a path below that of the walk */
function report({ found, path }: Check, problem: RuleProblem): void {
  found.push({ ...problem, path: [...path, ...problem.path] });
}

function unsupported(path: RuleProblem['path'], message: string): RuleProblem {
  return { path, message, level: 'refused', isUnsupported: true };
}

const ENTRY_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

function nameProblems(kind: EntryKind, object: EntryObject): readonly RuleProblem[] {
  const { naming } = kind;
  const given = object.annotations.get(ENTRY_NAME_ANNOTATION);
  const at = ['metadata', 'annotations', ENTRY_NAME_ANNOTATION];
  if (given !== undefined && naming.from !== 'object')
    return [
      { path: at, message: `has no effect on ${kind.kind}`, level: 'warning' },
      ...onlyName(kind, object),
    ];
  if (given !== undefined && (given.length > LONGEST_NAME || !ENTRY_NAME.test(given))) {
    const rule = `must be at most ${LONGEST_NAME} of A-Z a-z 0-9 . _ -, with a letter or digit at both ends`;
    return [refusedAt(at, `${quote(given)} ${rule}`)];
  }
  return onlyName(kind, object);
}

function onlyName(kind: EntryKind, object: EntryObject): readonly RuleProblem[] {
  const { naming } = kind;
  if (naming.from === 'destination' || naming.only === undefined) return [];
  const name = naming.from === 'none' ? object.name : entryName(kind, object);
  return name === naming.only
    ? []
    : [refusedAt(['metadata', 'name'], `${quote(name)} must be ${quote(naming.only)}`)];
}

function checkObject(table: PreparedTable, value: JsonObject, check: Check): void {
  for (const field of presentFields(table, value, check)) {
    // No field has the name of a property that every object inherits.
    checkAt(field.name, field, value[field.name], check);
  }
  for (const rule of table.rules) for (const problem of rule(value, check.name)) report(check, problem);
}

/** Those that are there or must be, in the order of the table. Keys that are no field are reported. */
function presentFields(table: PreparedTable, value: JsonObject, check: Check): readonly PreparedField[] {
  const present = [...table.required];
  for (const key in value) {
    if (check.found.length >= MOST_FOUND) break;
    const field = table.byName.get(key);
    if (field === undefined) reportUnknown(key, table, check);
    else if (!field.isRequired) insertInOrder(present, field);
  }
  return present;
}

function reportUnknown(key: string, { byName }: PreparedTable, check: Check): void {
  // Comparing names is slow, and beyond so many problems nobody reads it.
  const like = check.found.length < MOST ? nearest(key, [...byName.keys()]) : undefined;
  report(
    check,
    deniedAt([key], `is not a field; ${like === undefined ? 'remove it' : `did you mean ${like}?`}`),
  );
}

/** @param key of the value in the object or list where the walk is */
function checkAt(key: string | number, field: PreparedField, value: unknown, check: Check): void {
  if (check.found.length >= MOST_FOUND) return;
  const isAbsent = value === undefined || value === null;
  if (field.isRequired && (isAbsent || value === '')) report(check, refusedAt([key], 'is required'));
  if (isAbsent) return;
  const unsupportedBy = field.isRestricted ? unsupportedReason(field.field, value) : undefined;
  if (unsupportedBy !== undefined) {
    report(check, unsupported([key], unsupportedBy));
    return;
  }
  check.path.push(key);
  checkValue(field, value, check);
  check.path.pop();
}

function unsupportedReason({ since, enterpriseExcept }: EntryField, value: unknown): string | undefined {
  if (!isSet({ value }, 'value')) return undefined;
  if (since !== undefined) return `needs Consul ${since} or newer; remove it`;
  if (enterpriseExcept?.some((each) => each === value) === true) return undefined;
  const shown = typeof value === 'string' ? `${quote(value)} ` : '';
  return `${shown}needs Consul Enterprise; remove it`;
}

function checkValue({ field, table, element }: PreparedField, value: unknown, check: Check): void {
  const problem = problemOf(field, value);
  if (problem !== undefined) report(check, problem);
  else if (table !== undefined) checkObject(table, value as JsonObject, check);
  else if (element !== undefined && field.type === 'list')
    checkElements(element, value as readonly unknown[], check);
  else if (element !== undefined)
    for (const [key, each] of Object.entries(value as JsonObject)) checkAt(key, element, each, check);
  else if (field.type === 'map')
    for (const [key, each] of Object.entries(value as JsonObject))
      if (typeof each !== 'string') report(check, refusedAt([key], mustBeString(each)));
}

function checkElements(element: PreparedField, list: readonly unknown[], check: Check): void {
  const { field } = element;
  let index = 0;
  for (const each of list) {
    if (each === null) report(check, refusedAt([index], 'must not be null'));
    else if (each === '' && field.type === 'string' && field.allowed !== undefined)
      report(check, refusedAt([index], 'must not be empty'));
    else checkAt(index, element, each, check);
    index += 1;
  }
}

/** Of the value itself, not of what is in it. */
function problemOf(field: EntryField, value: unknown): RuleProblem | undefined {
  switch (field.type) {
    case 'string':
      return typeof value === 'string' ? textProblem(field, value) : refusedAt([], mustBeString(value));
    case 'integer':
      return integerProblem(field, value);
    case 'number':
      return rangeProblem(field, value);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : refusedAt([], 'must be true or false, without quotes');
    case 'duration':
      return durationProblem(value);
    case 'bytes':
      return typeof value === 'string' && isBase64Text(value)
        ? undefined
        : refusedAt([], 'must be a text in base64');
    case 'list':
      return Array.isArray(value) ? undefined : refusedAt([], 'must be a list');
    case 'map':
      return isObject(value) ? undefined : refusedAt([], 'must be a map of texts');
    case 'keyed':
      return isObject(value) ? undefined : refusedAt([], 'must be a map of objects');
    case 'opaque':
      return opaqueProblem(value);
    case 'object':
      return isObject(value) ? undefined : refusedAt([], 'must be an object');
  }
}

function opaqueProblem(value: unknown): RuleProblem | undefined {
  if (!isObject(value)) return refusedAt([], 'must be an object');
  if (hasOddNumber(value)) return refusedAt([], 'has a number that JSON cannot represent');
  // Consul 1.20 panics as it applies it, on every server, and again at every start.
  return hasNullInList(value)
    ? refusedAt([], 'has a null in a list, which stops the servers of Consul')
    : undefined;
}

function textProblem(field: TextField, value: string): RuleProblem | undefined {
  if (value === '') return undefined;
  const { allowed, level = 'refused' } = field;
  if (allowed !== undefined && !allowed.includes(value) && !allowed.includes(folded(field, value))) {
    const words = wordList(
      allowed.map((word) => JSON.stringify(word)),
      'or',
    );
    return { path: [], message: `${quote(value)} must be ${words}`, level };
  }
  const wrong = field.check?.(value);
  return wrong === undefined ? undefined : { path: [], message: `${quote(value)} ${wrong}`, level };
}

function folded({ fold }: TextField, value: string): string {
  if (fold === undefined) return value;
  return fold === 'lower' ? value.toLowerCase() : value.toUpperCase();
}

// Consul keeps most of them in 32 bits, and drops the rest without a word.
const INTEGERS = { least: -(2 ** 31), most: 2 ** 31 - 1 };

function integerProblem(field: IntegerField, value: unknown): RuleProblem | undefined {
  if (!Number.isInteger(value))
    return refusedAt([], `${shortText(value)} must be a whole number, without quotes`);
  return rangeProblem(field, value) ?? rangeProblem({ ...INTEGERS, level: 'denied' }, value);
}

function rangeProblem(
  {
    least = -Infinity,
    most = Infinity,
    level = 'refused',
  }: { readonly least?: number; readonly most?: number; readonly level?: ProblemLevel },
  value: unknown,
): RuleProblem | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value))
    return refusedAt([], `${shortText(value)} must be a number, without quotes`);
  if (value >= least && value <= most) return undefined;
  const limit =
    most === Infinity
      ? `at least ${least}`
      : least === -Infinity
        ? `at most ${most}`
        : `from ${least} to ${most}`;
  return { path: [], message: `${value} must be ${limit}`, level };
}

function durationProblem(value: unknown): RuleProblem | undefined {
  const nanoseconds = typeof value === 'string' ? parseGoDuration(value) : undefined;
  if (value === '' || (nanoseconds !== undefined && nanoseconds >= 0n)) return undefined;
  if (nanoseconds !== undefined)
    return refusedAt([], `${quote(formatGoDuration(nanoseconds))} must not be negative`);
  return refusedAt([], `${shortText(value)} must be a duration such as "1m30s" or "500ms"`);
}

function shortText(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'the value';
}

function isBase64Text(value: string): boolean {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4 !== 0) return false;
  const bytes = Buffer.from(value, 'base64');
  return Buffer.from(bytes.toString()).equals(bytes);
}

/** YAML has infinities; the value is nested at most as deep as the whole object. */
function hasOddNumber(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasOddNumber);
}
