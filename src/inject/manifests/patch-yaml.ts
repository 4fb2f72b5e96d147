/** Operations of RFC 6902 as edits of the text of one YAML document, found by its syntax tree. */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import { segments, type PatchOperation } from '../../support/json-patch.ts';
import { changeOfCollection, oldElements, type Element } from './collection-model.ts';
import { editCollection, emptyOut, fillEmpty, type BlockStyle, type Collection } from './edit-collection.ts';
import type { TextEdit } from './text-edit.ts';
import { UnsupportedLayout } from './unsupported.ts';

type Model = { readonly collection: Collection; readonly depth: number; elements: Element[] };

/**
 * @param root the node to which the paths of the operations are relative
 * @param depth of the root in its document
 * @throws UnsupportedLayout
 */
export function patchYaml(
  text: string,
  root: Node,
  operations: readonly PatchOperation[],
  depth: number,
  style: BlockStyle,
): TextEdit[] {
  const models = new Map<Collection, Model>();
  const replacements: TextEdit[] = [];
  for (const operation of operations) {
    const path = segments(operation.path);
    const key = path.at(-1) ?? '';
    const parent = resolve(root, path.slice(0, -1), models);
    const model = modelOf(parent, depth + path.length, models);
    if (isSeq(parent)) changeList(model, key, operation);
    else replacements.push(...changeMap(text, model, key, operation, style));
  }
  const edits = [...models.values()].flatMap(({ collection, elements, depth: deep }) =>
    editCollection(text, collection, changeOfCollection(collection.items.length, elements), deep, style),
  );
  return [...edits, ...replacements];
}

function modelOf(collection: Collection, depth: number, models: Map<Collection, Model>): Model {
  const known = models.get(collection);
  if (known !== undefined) return known;
  const model = { collection, depth, elements: oldElements(collection.items.length) };
  models.set(collection, model);
  return model;
}

/** Walks to a collection; positions in a list follow the operations that came before. */
function resolve(root: Node, path: readonly string[], models: ReadonlyMap<Collection, Model>): Collection {
  let node: unknown = root;
  for (const key of path) node = child(node, key, models);
  if (isAlias(node)) throw aliased(node);
  if (!isMap(node) && !isSeq(node))
    throw new UnsupportedLayout('a list or map was expected here', offsetOf(node));
  return node as Collection;
}

function child(node: unknown, key: string, models: ReadonlyMap<Collection, Model>): unknown {
  if (isAlias(node)) throw aliased(node);
  if (isMap(node)) return pairOf(node as YAMLMap<Node, Node | null>, key)?.value;
  if (!isSeq(node)) throw new UnsupportedLayout('a list or map was expected here', offsetOf(node));
  const model = models.get(node as Collection);
  if (model === undefined) return node.items[Number(key)];
  const element = model.elements[Number(key)];
  return element?.kind === 'old' ? node.items[element.index] : undefined;
}

function aliased(node: {
  readonly source: string;
  readonly range?: readonly number[] | null | undefined;
}): UnsupportedLayout {
  return new UnsupportedLayout(
    `the alias *${node.source} stands where something has to be added, and every place that shares it would change; write it out here`,
    node.range?.[0] ?? 0,
  );
}

function changeList(model: Model, key: string, operation: PatchOperation): void {
  const index = key === '-' ? model.elements.length : Number(key);
  if (operation.op === 'add') model.elements.splice(index, 0, { kind: 'new', value: operation.value });
  else if (operation.op === 'remove') model.elements.splice(index, 1);
  else throw new UnsupportedLayout('an element of a list cannot be replaced', offsetOf(model.collection));
}

function changeMap(
  text: string,
  model: Model,
  key: string,
  operation: PatchOperation,
  style: BlockStyle,
): TextEdit[] {
  const map = model.collection as YAMLMap<Node, Node | null>;
  const pair = pairOf(map, key);
  if (operation.op === 'remove') {
    const index = pair === undefined ? -1 : map.items.indexOf(pair);
    model.elements = model.elements.filter((element) => element.kind === 'new' || element.index !== index);
    return [];
  }
  if (pair === undefined) {
    model.elements.push({ kind: 'new', value: [key, operation.value] });
    return [];
  }
  return [replaceValue(text, pair, operation.value, model.depth, style)];
}

function replaceValue(
  text: string,
  pair: Pair<Node, Node | null>,
  value: unknown,
  depth: number,
  style: BlockStyle,
): TextEdit {
  if (value === null) return emptyOut(text, pair, depth);
  const node = pair.value;
  if (isAlias(node)) throw aliased(node);
  if (!isScalar(node) || node.range === undefined || node.range === null) {
    throw new UnsupportedLayout('a list or map stands where a value was expected', offsetOf(node));
  }
  const [start, end] = node.range;
  if (start === end) return fillEmpty(text, pair, value, depth, style);
  return { start, end, text: JSON.stringify(value), depth };
}

function pairOf(map: YAMLMap<Node, Node | null>, key: string): Pair<Node, Node | null> | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

function offsetOf(node: unknown): number {
  return isMap(node) || isSeq(node) || isScalar(node) ? (node.range?.[0] ?? 0) : 0;
}
