/** Additions of any shape at the places where a sidecar is added, and the operations that take them back. */
import fc from 'fast-check';
import { isObject, property } from '../../src/support/json.ts';
import { pointer, type PatchOperation } from '../../src/support/json-patch.ts';

// Words that YAML 1.1 takes for something else, and what needs care in one style or another.
const WORDS =
  'no on Y null ~ 1_000 0o7 012 12:30 1e3 .5 << = 2001-01-01 -a #a " { *a &a %a @a ? \\ \\n é 😀 ---';
const LINES =
  '§ §a §- a§# a§a # b§a: b§| §a\tb§a §---\n§...\na\n§# a\nb\n§a\nb§a\nb\n§a\n\n§a\n \n§\na§ a\n b\n§a\r\nb§\n§\u0085§\u2028a§\ufeff§\u0000';

const trickyText = fc.constantFrom(...WORDS.split(' '), ...LINES.split('§'), "'", '`a');

const value: fc.Arbitrary<unknown> = fc.oneof(
  trickyText,
  fc.jsonValue({ maxDepth: 2 }),
  fc.record({ name: trickyText, value: trickyText }),
  fc.dictionary(trickyText, fc.oneof(trickyText, fc.array(trickyText, { maxLength: 3 })), { maxKeys: 3 }),
);

const values = fc
  .array(value, { minLength: 1, maxLength: 3 })
  // As it arrives: JSON knows no negative zero and no object without a prototype.
  .map((elements) => JSON.parse(JSON.stringify(elements)) as unknown[]);

/** Values for every place. */
export type Growth = {
  readonly env: readonly unknown[];
  readonly containers: readonly unknown[];
  readonly initContainers: readonly unknown[];
  readonly volumes: readonly unknown[];
  readonly annotations: readonly unknown[];
  readonly grown: readonly unknown[];
};

export const arbitraryGrowth: fc.Arbitrary<Growth> = fc.record({
  env: values,
  containers: values,
  initContainers: values,
  volumes: values,
  annotations: values,
  grown: values,
});

type Step = { readonly patch: readonly PatchOperation[]; readonly undo: readonly PatchOperation[] };

/** @param pod an object with metadata and spec */
export function growthOf(pod: unknown, growth: Growth): Step {
  const spec = property(pod, 'spec');
  const containers = property(spec, 'containers') as readonly unknown[];
  const metadata = property(pod, 'metadata');
  const steps = [
    ...containers.map((container, index) =>
      list(['spec', 'containers', index, 'env'], container, 'front', growth.env),
    ),
    list(['spec', 'containers'], spec, 'end', growth.containers),
    list(['spec', 'initContainers'], spec, 'front', growth.initContainers),
    list(['spec', 'volumes'], spec, 'end', growth.volumes),
    ...(isObject(metadata) ? [map(['metadata', 'annotations'], metadata, growth.annotations)] : []),
    { patch: [added(['grown'], growth.grown)], undo: [removed(['grown'])] },
  ];
  return {
    patch: steps.flatMap(({ patch }) => patch),
    undo: steps.toReversed().flatMap(({ undo }) => undo),
  };
}

type Path = readonly (string | number)[];

function list(path: Path, parent: unknown, side: 'front' | 'end', elements: readonly unknown[]): Step {
  const old = property(parent, String(path.at(-1)));
  if (!Array.isArray(old)) return whole(path, parent, elements);
  const first = side === 'front' ? 0 : old.length;
  return {
    patch: elements.map((element, index) => added([...path, side === 'front' ? index : '-'], element)),
    undo: elements.map((_, index) => removed([...path, first + index])).toReversed(),
  };
}

function map(path: Path, parent: unknown, elements: readonly unknown[]): Step {
  const entries = elements.map((element, index): [string, unknown] => [`grown-${index}`, element]);
  if (!isObject(property(parent, String(path.at(-1)))))
    return whole(path, parent, Object.fromEntries(entries));
  return {
    patch: entries.map(([key, element]) => added([...path, key], element)),
    undo: entries.map(([key]) => removed([...path, key])),
  };
}

function whole(path: Path, parent: unknown, content: unknown): Step {
  const isNull = property(parent, String(path.at(-1))) === null;
  const undo = isNull ? ({ op: 'replace', path: pointer(...path), value: null } as const) : removed(path);
  return { patch: [added(path, content)], undo: [undo] };
}

function added(path: Path, content: unknown): PatchOperation {
  return { op: 'add', path: pointer(...path), value: content };
}

function removed(path: Path): PatchOperation {
  return { op: 'remove', path: pointer(...path) };
}
