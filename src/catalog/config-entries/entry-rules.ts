/** Parts of the rules between fields. All of them read values of any type. */
import { elementsAt, isObject, parseJson, property, textAt, type JsonObject } from '../../support/json.ts';
import { quote } from '../../support/text.ts';
import type { EntryRule, ProblemLevel, RuleProblem } from './entry-table.ts';

/** At most one problem for each element. Few elements have any, and a list for each would take several times as long. */
export function problemsOfElements(
  elements: readonly unknown[],
  problemOf: (element: unknown, index: number) => RuleProblem | undefined,
): readonly RuleProblem[] {
  const problems: RuleProblem[] = [];
  for (let index = 0; index < elements.length; index += 1) {
    const problem = problemOf(elements[index], index);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

/** Whether the field is there, even with a zero value. */
export function has(value: unknown, key: string): boolean {
  const found = property(value, key);
  return found !== undefined && found !== null;
}

/** Whether the field has another value than its type's zero value; an object always has. */
export function isSet(value: unknown, key: string): boolean {
  const found = property(value, key);
  if (found === undefined || found === null || found === '' || found === 0 || found === false) return false;
  return !Array.isArray(found) || found.length > 0;
}

export function refusedAt(path: RuleProblem['path'], message: string): RuleProblem {
  return { path, message, level: 'refused' };
}

export function deniedAt(path: RuleProblem['path'], message: string): RuleProblem {
  return { path, message, level: 'denied' };
}

export function warnedAt(path: RuleProblem['path'], message: string): RuleProblem {
  return { path, message, level: 'warning' };
}

/** The fields are set at most once, or exactly once. */
export function oneFieldOf(
  keys: readonly string[],
  times: 'at most one' | 'exactly one',
  level: ProblemLevel = 'refused',
  isThere: (value: unknown, key: string) => boolean = isSet,
): EntryRule {
  return (value) => {
    // The list is made only for the message.
    let count = 0;
    for (const key of keys) if (isThere(value, key)) count += 1;
    if (count === 1 || (count === 0 && times === 'at most one')) return [];
    const set = keys.filter((key) => isThere(value, key));
    const found = set.length === 0 ? 'none is' : `${wordList(set, 'and')} are`;
    return [{ path: [], message: `must have ${times} of ${wordList(keys, 'or')}; ${found} set`, level }];
  };
}

/** The field is set only together with the other. */
export function needs(key: string, other: string): EntryRule {
  return (value) =>
    isSet(value, key) && !isSet(value, other) ? [refusedAt([key], `needs ${other} as well`)] : [];
}

/** The field excludes each of the others. */
export function excludes(
  key: string,
  others: readonly string[],
  isThere: (value: unknown, key: string) => boolean = isSet,
): EntryRule {
  return (value) =>
    isThere(value, key)
      ? others
          .filter((other) => isThere(value, other))
          .map((other) => refusedAt([key], `excludes ${other}; remove one of them`))
      : [];
}

/** No two elements of the list have the same key; those without one are left to other rules. */
export function unique(
  listKey: string,
  keyOf: (element: unknown) => string | undefined,
  what: string,
  level: ProblemLevel = 'refused',
): EntryRule {
  return (value) => {
    const first = new Map<string, number>();
    return problemsOfElements(elementsAt(value, listKey), (element, index) => {
      const key = keyOf(element);
      if (key === undefined) return undefined;
      const earlier = first.get(key);
      if (earlier === undefined) {
        first.set(key, index);
        return undefined;
      }
      return { path: [listKey, index], message: `has the same ${what} as ${listKey}[${earlier}]`, level };
    });
  };
}

/** The list has an element at least. */
export function notEmpty(listKey: string): EntryRule {
  return (value) =>
    elementsAt(value, listKey).length === 0 && !isOfOtherType(value, listKey)
      ? [refusedAt([listKey], 'must have at least one element')]
      : [];
}

/** The object has a field that is set, an object included. */
export const notBlank: EntryRule = (value) => {
  for (const key in value) if (isSet(value, key)) return [];
  return [refusedAt([], 'must not be empty')];
};

function isOfOtherType(value: unknown, listKey: string): boolean {
  return has(value, listKey) && !Array.isArray(property(value, listKey));
}

/** `a, b or c`, each in the form that it is given in. */
export function wordList(words: readonly string[], conjunction: 'and' | 'or'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}

/** A path of an object: `*` stands alone or is no part of a name. */
export function wildcardCheck(name: string): string | undefined {
  return name.includes('*') && name !== '*' ? 'must be "*" alone, or have no "*" in it' : undefined;
}

// Longer than a name of Consul that DNS can answer for; Kubernetes has the same limit.
export const LONGEST_NAME = 253;

/**
 * A name of an entry that its author chooses freely. Consul takes any name. But no path of its API can contain `..`, so such an
 * entry could never be removed; and it finds `admin` for `adm\u0130n`, so one object would replace another's entry.
 */
export function entryNameCheck(name: string): string | undefined {
  return name.length <= LONGEST_NAME && /^[ -~]+$/.test(name) && !/^\.{1,2}$/.test(name)
    ? undefined
    : `must be at most ${LONGEST_NAME} characters of ASCII, and not "." or ".."`;
}

export function noWildcard(name: string): string | undefined {
  return name === '*' ? 'must not be "*"' : undefined;
}

export function pathCheck(path: string): string | undefined {
  return path.startsWith('/') ? undefined : 'must start with "/"';
}

export function jsonCheck(text: string): string | undefined {
  return parseJson(text) === undefined ? 'must be JSON' : undefined;
}

// Envoy compiles with RE2, which has neither look-around nor backreferences nor possessive repetition (its wiki, "Syntax").
const NOT_IN_RE2 = /\(\?<?[=!]|\(\?>|\\[1-9]|\\k<|[*+?}]\+/;

/** For fields whose regular expression Consul passes on to Envoy unread. */
export function regexRule(key: string): EntryRule {
  return (value) => {
    const regex = textAt(value, key);
    return regex !== '' && NOT_IN_RE2.test(regex.replaceAll('\\\\', ''))
      ? [
          warnedAt(
            [key],
            `${quote(regex)} uses a construct that RE2 lacks; Envoy may refuse the whole configuration`,
          ),
        ]
      : [];
  };
}

const httpMethods: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
];

/** Methods are known, and none appears twice; case does not matter. */
export const methodsRule: EntryRule = (value) => {
  const seen: string[] = [];
  return problemsOfElements(elementsAt(value, 'methods'), (method, index) => {
    if (typeof method !== 'string') return undefined;
    // Most authors write them in upper case, as in the list.
    const name = httpMethods.includes(method) ? method : method.toUpperCase();
    if (!httpMethods.includes(name))
      return refusedAt(['methods', index], `${quote(method)} must be one of ${httpMethods.join(', ')}`);
    if (seen.includes(name)) return refusedAt(['methods', index], `${quote(method)} appears twice`);
    seen.push(name);
    return undefined;
  });
};

/** The elements that are objects, with their index. */
export function objectsAt(value: JsonObject, key: string): readonly (readonly [number, JsonObject])[] {
  return elementsAt(value, key).flatMap((element, index) =>
    isObject(element) ? [[index, element] as const] : [],
  );
}

// RFC 1035, section 2.3.4: 255 bytes on the wire, of which two are not in the text. Consul takes underscores, too.
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/** True for dotted labels, with or without the dot of the root; no wildcard. */
export function isDnsName(text: string): boolean {
  if (text.length > 253) return false;
  return text
    .replace(/\.$/, '')
    .split('.')
    .every((label) => LABEL.test(label));
}

/** The weight of a split in hundredths of a percent, as Consul rounds it (structs.scaleWeight), with its float32. */
export function hundredths(weight: number): number {
  const scaled = Math.fround(Math.fround(weight) * 100);
  // Go rounds half away from zero.
  return Math.sign(scaled) * Math.round(Math.abs(scaled));
}
