/** How the author lays out a manifest: additions look like what is there. */
import { isCollection, isMap, isPair, isSeq, type Node } from 'yaml';
import { rangeOf, startOf, type YamlCollection } from './node-range.ts';
import { lineStart } from './text-edit.ts';

export type TextStyle = {
  /** Columns by which a block map is indented under its key. */
  readonly indent: number;
  /** Lists in block style are indented under their key, or are in its column. */
  readonly indentSeq: boolean;
  /** White space of one level of JSON over several lines; undefined for anything else. */
  readonly jsonUnit: string | undefined;
  /** JSON as machines write it, without a space after `:` and `,`. */
  readonly isTight: boolean;
};

/** A list or map of a manifest that changes. */
export type CollectionPlace = {
  readonly text: string;
  readonly collection: YamlCollection;
  /** In its document. */
  readonly depth: number;
  readonly style: TextStyle;
};

/**
 * @param root of the document
 * @param pod in it
 */
export function styleOf(text: string, root: Node | null, pod: Node): TextStyle {
  const spec: unknown = isMap(pod) ? pod.get('spec', true) : undefined;
  const containers: unknown = isMap(spec) ? spec.get('containers', true) : undefined;
  return {
    indent: levelOf(text, pod, spec),
    indentSeq: !isSeq(containers) || containers.flow === true || levelOf(text, spec, containers, 0) > 0,
    jsonUnit: jsonUnitOf(text, root),
    isTight: isTight(text, root),
  };
}

// What most people and all tools write.
const USUAL = 2;

/** Columns between a block map and a block collection in it. */
function levelOf(text: string, parent: unknown, child: unknown, least = 1): number {
  const columns = [parent, child].map((node) => columnOf(text, node));
  const [outer, inner] = columns;
  if (outer === undefined || inner === undefined) return USUAL;
  const level = inner - outer;
  // YAML allows any number; more than eight is an accident, not a habit.
  return level >= least && level <= 8 ? level : USUAL;
}

function columnOf(text: string, node: unknown): number | undefined {
  if (!isCollection(node) || node.flow === true || node.items.length === 0) return undefined;
  const start = startOf(node as YamlCollection, 0);
  return start - lineStart(text, start);
}

function jsonUnitOf(text: string, root: Node | null): string | undefined {
  if (!isCollection(root) || root.flow !== true || root.items.length === 0) return undefined;
  const gap = text.slice(rangeOf(root)[0] + 1, startOf(root as YamlCollection, 0));
  return /^\r?\n([ \t]+)$/.exec(gap)?.[1];
}

function isTight(text: string, root: Node | null): boolean {
  if (!isMap(root) || root.flow !== true) return false;
  const [first] = root.items;
  if (!isPair(first) || first.value === null) return false;
  return text.slice(rangeOf(first.key)[1], rangeOf(first.value)[0]) === ':';
}
