/** Operations of RFC 6902 as edits of the text of one YAML document, found by its syntax tree. */
import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { segments, type PatchOperation } from '../support/json-patch.ts';
import { changeOfCollection, oldElements, type Element } from './collection-model.ts';
import { editBlock } from './edit-block.ts';
import { editFlow } from './edit-flow.ts';
import { rangeOf, type BlockOrFlowMap, type YamlCollection, type MapPair } from './node-range.ts';
import { putValue, restoreValue } from './replace-value.ts';
import type { TextEdit } from './text-edit.ts';
import type { TextStyle } from './text-style.ts';
import { aliased, noCollection, notWritten, UnsupportedLayout } from './unsupported.ts';

type Model = { readonly collection: YamlCollection; readonly depth: number; elements: Element[] };

/**
 * @param root the node to which the paths of the operations are relative
 * @param operations an `add` on an existing key puts a value that `replace` restores
 * @param depth of the root in its document
 * @throws UnsupportedLayout
 */
export function patchYaml(
  text: string,
  root: Node,
  operations: readonly PatchOperation[],
  depth: number,
  style: TextStyle,
): TextEdit[] {
  const models = new Map<YamlCollection, Model>();
  const replacements: TextEdit[] = [];
  for (const operation of operations) {
    const path = segments(operation.path);
    const key = path.at(-1) ?? '';
    const parent = resolve(root, path.slice(0, -1), models);
    const model = modelOf(parent, depth + path.length, models);
    if (isSeq(parent)) changeList(model, key, operation);
    else replacements.push(...changeMap(text, model, key, operation, style));
  }
  const edits = [...models.values()].flatMap(({ collection, elements, depth: deep }) => {
    const change = changeOfCollection(collection.items.length, elements);
    const place = { text, collection, depth: deep, style };
    return collection.flow === true ? editFlow(place, change) : editBlock(place, change);
  });
  return [...edits, ...replacements];
}

/** The node at a path of keys. @throws UnsupportedLayout when an alias or a merge key is on the way */
export function nodeAt(root: Node | null, path: readonly (string | number)[]): Node {
  let node: unknown = root;
  for (const key of path) node = child(node, String(key), new Map());
  if (isAlias(node)) throw aliased(node);
  return node as Node;
}

function modelOf(collection: YamlCollection, depth: number, models: Map<YamlCollection, Model>): Model {
  const known = models.get(collection);
  if (known !== undefined) return known;
  const model = { collection, depth, elements: oldElements(collection.items.length) };
  models.set(collection, model);
  return model;
}

/** Walks to a collection; positions in a list follow the operations that came before. */
function resolve(
  root: Node,
  path: readonly string[],
  models: ReadonlyMap<YamlCollection, Model>,
): YamlCollection {
  let node: unknown = root;
  for (const key of path) node = child(node, key, models);
  if (isAlias(node)) throw aliased(node);
  if (!isMap(node) && !isSeq(node)) throw noCollection(node);
  return node as YamlCollection;
}

function child(node: unknown, key: string, models: ReadonlyMap<YamlCollection, Model>): unknown {
  if (isAlias(node)) throw aliased(node);
  if (isMap(node)) {
    const pair = pairOf(node as BlockOrFlowMap, key);
    if (pair === undefined) throw notWritten(node, key);
    return pair.value;
  }
  if (!isSeq(node)) throw noCollection(node);
  const model = models.get(node as YamlCollection);
  if (model === undefined) return node.items[Number(key)];
  const element = model.elements[Number(key)];
  return element?.kind === 'old' ? node.items[element.index] : undefined;
}

function changeList(model: Model, key: string, operation: PatchOperation): void {
  const index = key === '-' ? model.elements.length : Number(key);
  if (operation.op === 'add') model.elements.splice(index, 0, { kind: 'new', value: operation.value });
  else if (operation.op === 'remove') model.elements.splice(index, 1);
  else throw new UnsupportedLayout('an element of a list cannot be replaced', rangeOf(model.collection)[0]);
}

function changeMap(
  text: string,
  model: Model,
  key: string,
  operation: PatchOperation,
  style: TextStyle,
): TextEdit[] {
  const map = model.collection as BlockOrFlowMap;
  const pair = pairOf(map, key);
  if (operation.op === 'remove') {
    if (pair === undefined) throw notWritten(map, key);
    const index = map.items.indexOf(pair);
    model.elements = model.elements.filter((element) => element.kind === 'new' || element.index !== index);
    return [];
  }
  if (pair === undefined) {
    model.elements.push({ kind: 'new', value: [key, operation.value] });
    return [];
  }
  const place = { text, map, pair, depth: model.depth + 1, style };
  return operation.op === 'add' ? putValue(place, operation.value) : restoreValue(place, operation.value);
}

function pairOf(map: BlockOrFlowMap, key: string): MapPair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}
