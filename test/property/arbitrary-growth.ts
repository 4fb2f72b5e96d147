/** Edits of any shape: additions at the places where a sidecar is added, and other values for what is there. */
import fc from 'fast-check';
import { isObject, property } from '../../src/support/json.ts';
import { create, type PodEdit } from '../../src/inject/pod-edit.ts';
import { pointer } from '../../src/support/json-patch.ts';

// Words that YAML 1.1 takes for something else, and what needs care in one style or another.
const WORDS =
  'no on Y null ~ 1_000 0o7 012 12:30 1e3 .5 << = 2001-01-01 -a #a " { *a &a %a @a ? \\ \\n é 😀 ---';
const LINES =
  '§ §a §- a§# a§a # b§a: b§| §a\tb§a §---\n§...\na\n§# a\nb\n§a\nb§a\nb\n§a\n\n§a\n \n§\na§ a\n b\n§a\r\nb§\n§\u0085§\u2028a§\ufeff§\u0000';

const trickyText = fc.constantFrom(...WORDS.split(' '), ...LINES.split('§'), "'", '`a');

const anyValue: fc.Arbitrary<unknown> = fc
  .oneof(
    trickyText,
    fc.jsonValue({ maxDepth: 2 }),
    fc.record({ name: trickyText, value: trickyText }),
    fc.dictionary(trickyText, fc.oneof(trickyText, fc.array(trickyText, { maxLength: 3 })), { maxKeys: 3 }),
  )
  // As it arrives: JSON knows no negative zero and no object without a prototype.
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);

const values = fc.array(anyValue, { minLength: 1, maxLength: 3 });

/** Values for every place. */
export type Growth = {
  readonly env: readonly unknown[];
  readonly containers: readonly unknown[];
  readonly initContainers: readonly unknown[];
  readonly volumes: readonly unknown[];
  readonly annotations: readonly unknown[];
  readonly grown: readonly unknown[];
  /** Which of the values that are there, and what comes in its place. */
  readonly replaced: readonly (readonly [index: number, after: unknown])[];
};

export const arbitraryGrowth: fc.Arbitrary<Growth> = fc.record({
  env: values,
  containers: values,
  initContainers: values,
  volumes: values,
  annotations: values,
  grown: values,
  replaced: fc.array(fc.tuple(fc.nat(), anyValue), { maxLength: 6 }),
});

/** @param pod an object with metadata and spec */
export function growthOf(pod: unknown, growth: Growth): readonly PodEdit[] {
  const spec = property(pod, 'spec');
  const containers = property(spec, 'containers') as readonly unknown[];
  const metadata = property(pod, 'metadata');
  return [
    // First, while everything stands where it was.
    ...replacements(pod, growth.replaced),
    ...containers.flatMap((container, index) =>
      list(['spec', 'containers', index, 'env'], container, 'front', growth.env),
    ),
    ...list(['spec', 'containers'], spec, 'end', growth.containers),
    ...list(['spec', 'initContainers'], spec, 'front', growth.initContainers),
    ...list(['spec', 'volumes'], spec, 'end', growth.volumes),
    ...(isObject(metadata) ? map(['metadata', 'annotations'], metadata, growth.annotations) : []),
    { kind: 'add', path: '/grown', value: growth.grown },
  ];
}

type Path = readonly (string | number)[];

function list(
  path: Path,
  parent: unknown,
  side: 'front' | 'end',
  elements: readonly unknown[],
): readonly PodEdit[] {
  const old = property(parent, String(path.at(-1)));
  if (!Array.isArray(old)) return [whole(path, parent, elements)];
  const first = side === 'front' ? 0 : old.length;
  return elements.map((value, index) => ({ kind: 'add', path: pointer(...path, first + index), value }));
}

function map(path: Path, parent: unknown, elements: readonly unknown[]): readonly PodEdit[] {
  const entries = elements.map((element, index): [string, unknown] => [`grown-${index}`, element]);
  if (!isObject(property(parent, String(path.at(-1)))))
    return [whole(path, parent, Object.fromEntries(entries))];
  return entries.map(([key, value]) => ({ kind: 'add', path: pointer(...path, key), value }));
}

function whole(path: Path, parent: unknown, content: unknown): PodEdit {
  const isNull = property(parent, String(path.at(-1))) === null;
  return create(pointer(...path), isNull ? 'null' : 'absent', content);
}

/** Values of keys that have no list and no map, each replaced once at most. */
function replacements(pod: unknown, replaced: Growth['replaced']): readonly PodEdit[] {
  const all = ['metadata', 'spec'].flatMap((key) => plainValues(property(pod, key) ?? {}, [key]));
  if (all.length === 0) return [];
  const chosen = new Map(replaced.map(([index, after]) => [all[index % all.length], after]));
  return [...chosen].flatMap(([place, after]): PodEdit[] =>
    place === undefined ? [] : [{ kind: 'set', path: pointer(...place.path), before: place.value, after }],
  );
}

type Place = { readonly path: Path; readonly value: unknown };

// What grows as a whole where it is null.
const GROWING = ['env', 'initContainers', 'volumes', 'annotations'];

function plainValues(value: unknown, path: Path): readonly Place[] {
  if (typeof value !== 'object' || value === null)
    return typeof path.at(-1) === 'number' || GROWING.includes(String(path.at(-1))) ? [] : [{ path, value }];
  return Array.isArray(value)
    ? value.flatMap((each, index) => plainValues(each, [...path, index]))
    : Object.entries(value).flatMap(([key, each]) => plainValues(each, [...path, key]));
}
