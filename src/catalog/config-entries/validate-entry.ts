/** Every problem of a custom resource at once, without a look at other objects. */
import { formatGoDuration, parseGoDuration } from '../../support/go-duration.ts';
import { hasNullInList, isNestedAtMost, isObject, property, type JsonObject } from '../../support/json.ts';
import { mustBeString, nearest, quote } from '../../support/text.ts';
import { ENTRY_NAME_ANNOTATION, type EntryObject } from './entry-object.ts';
import { fieldPath } from './entry-path.ts';
import { deniedAt, isSet, LONGEST_NAME, refusedAt, wordList } from './entry-rules.ts';
import type {
  EntryField,
  EntryKind,
  EntryRule,
  FieldTable,
  IntegerField,
  ProblemLevel,
  RuleProblem,
  TextField,
} from './entry-table.ts';
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
/** A stranger decides how many there are; from here on they are not even looked for. */
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
  // Of what was not looked at, nobody knows whether Consul stands it.
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
  else {
    const check: Check = { name: entryName(kind, object), found };
    checkFields(kind.fields, object.spec, ['spec'], check);
    applyRules(kind.rules ?? [], object.spec, ['spec'], check);
  }
  return found;
}

/** What a walk carries along. */
type Check = { readonly name: string; readonly found: RuleProblem[] };

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

function checkFields(fields: FieldTable, value: JsonObject, path: RuleProblem['path'], check: Check): void {
  const names = Object.keys(fields);
  for (const key of Object.keys(value)) {
    if (check.found.length >= MOST_FOUND) return;
    if (Object.hasOwn(fields, key)) continue;
    // Comparing names is slow, and beyond so many problems nobody reads it.
    const like = check.found.length < MOST ? nearest(key, names) : undefined;
    check.found.push(
      deniedAt([...path, key], `is no field; ${like === undefined ? 'remove it' : `did you mean ${like}?`}`),
    );
  }
  for (const [name, field] of Object.entries(fields))
    checkField(field, property(value, name), [...path, name], check);
}

function checkField(field: EntryField, value: unknown, path: RuleProblem['path'], check: Check): void {
  if (check.found.length >= MOST_FOUND) return;
  const isAbsent = value === undefined || value === null;
  if (field.type === 'string' && field.isRequired === true && (isAbsent || value === ''))
    check.found.push(refusedAt(path, 'is required'));
  if (isAbsent) return;
  const unsupportedBy = unsupportedReason(field, value);
  if (unsupportedBy !== undefined) check.found.push(unsupported(path, unsupportedBy));
  else checkValue(field, value, path, check);
}

function unsupportedReason(field: EntryField, value: unknown): string | undefined {
  if (!isSet({ value }, 'value')) return undefined;
  if (field.since !== undefined) return `needs Consul ${field.since} or newer; remove it`;
  if (field.enterpriseExcept === undefined || field.enterpriseExcept.some((each) => each === value))
    return undefined;
  const shown = typeof value === 'string' ? `${quote(value)} ` : '';
  return `${shown}needs Consul Enterprise; remove it`;
}

function checkValue(field: EntryField, value: unknown, path: RuleProblem['path'], check: Check): void {
  switch (field.type) {
    case 'string':
      if (typeof value !== 'string') check.found.push(refusedAt(path, mustBeString(value)));
      else check.found.push(...textProblems(field, value, path));
      return;
    case 'integer':
      check.found.push(...integerProblems(field, value, path));
      return;
    case 'number':
      check.found.push(...rangeProblems(field, value, path));
      return;
    case 'boolean':
      if (typeof value !== 'boolean')
        check.found.push(refusedAt(path, 'must be true or false, without quotes'));
      return;
    case 'duration':
      check.found.push(...durationProblems(value, path));
      return;
    case 'bytes':
      if (typeof value !== 'string' || !isBase64Text(value))
        check.found.push(refusedAt(path, 'must be base64 of a text'));
      return;
    case 'list':
      if (!Array.isArray(value)) check.found.push(refusedAt(path, 'must be a list'));
      else
        value.forEach((each: unknown, index) => {
          if (each === null) check.found.push(refusedAt([...path, index], 'must not be null'));
          else if (each === '' && field.of.type === 'string' && field.of.allowed !== undefined)
            check.found.push(refusedAt([...path, index], 'must not be empty'));
          else checkField(field.of, each, [...path, index], check);
        });
      return;
    case 'map':
      if (!isObject(value)) check.found.push(refusedAt(path, 'must be a map of texts'));
      else
        for (const [key, each] of Object.entries(value))
          if (typeof each !== 'string') check.found.push(refusedAt([...path, key], mustBeString(each)));
      return;
    case 'keyed':
      if (!isObject(value)) check.found.push(refusedAt(path, 'must be a map of objects'));
      else for (const [key, each] of Object.entries(value)) checkField(field.of, each, [...path, key], check);
      return;
    case 'opaque':
      if (!isObject(value)) check.found.push(refusedAt(path, 'must be an object'));
      else if (hasOddNumber(value)) check.found.push(refusedAt(path, 'has a number that JSON does not know'));
      // Consul 1.20 panics as it applies it, on every server, and again at every start.
      else if (hasNullInList(value))
        check.found.push(refusedAt(path, 'has a null in a list, which stops the servers of Consul'));
      return;
    case 'object':
      if (!isObject(value)) {
        check.found.push(refusedAt(path, 'must be an object'));
        return;
      }
      checkFields(field.fields, value, path, check);
      applyRules(field.rules ?? [], value, path, check);
  }
}

function applyRules(
  rules: readonly EntryRule[],
  value: JsonObject,
  path: RuleProblem['path'],
  check: Check,
): void {
  for (const rule of rules)
    for (const problem of rule(value, check.name))
      check.found.push({ ...problem, path: [...path, ...problem.path] });
}

function textProblems(field: TextField, value: string, path: RuleProblem['path']): readonly RuleProblem[] {
  if (value === '') return [];
  const { allowed, fold, level = 'refused' } = field;
  const folded = fold === undefined ? value : fold === 'lower' ? value.toLowerCase() : value.toUpperCase();
  if (allowed !== undefined && !allowed.includes(folded)) {
    const words = wordList(
      allowed.map((word) => JSON.stringify(word)),
      'or',
    );
    return [{ path, message: `${quote(value)} must be ${words}`, level }];
  }
  const wrong = field.check?.(value);
  return wrong === undefined ? [] : [{ path, message: `${quote(value)} ${wrong}`, level }];
}

// Consul keeps most of them in 32 bits, and drops the rest without a word.
const INTEGERS = { least: -(2 ** 31), most: 2 ** 31 - 1 };

function integerProblems(
  field: IntegerField,
  value: unknown,
  path: RuleProblem['path'],
): readonly RuleProblem[] {
  if (!Number.isInteger(value))
    return [refusedAt(path, `${shortText(value)} must be a whole number, without quotes`)];
  const ranged = rangeProblems(field, value, path);
  return ranged.length > 0 ? ranged : rangeProblems({ ...INTEGERS, level: 'denied' }, value, path);
}

function rangeProblems(
  {
    least = -Infinity,
    most = Infinity,
    level = 'refused',
  }: { readonly least?: number; readonly most?: number; readonly level?: ProblemLevel },
  value: unknown,
  path: RuleProblem['path'],
): readonly RuleProblem[] {
  if (typeof value !== 'number' || !Number.isFinite(value))
    return [refusedAt(path, `${shortText(value)} must be a number, without quotes`)];
  if (value >= least && value <= most) return [];
  const limit =
    most === Infinity
      ? `at least ${least}`
      : least === -Infinity
        ? `at most ${most}`
        : `from ${least} to ${most}`;
  return [{ path, message: `${value} must be ${limit}`, level }];
}

function durationProblems(value: unknown, path: RuleProblem['path']): readonly RuleProblem[] {
  const nanoseconds = typeof value === 'string' ? parseGoDuration(value) : undefined;
  if (value === '' || (nanoseconds !== undefined && nanoseconds >= 0n)) return [];
  if (nanoseconds !== undefined)
    return [refusedAt(path, `${quote(formatGoDuration(nanoseconds))} must not be negative`)];
  return [refusedAt(path, `${shortText(value)} must be a duration such as "1m30s" or "500ms"`)];
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
