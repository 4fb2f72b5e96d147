/** Where the nodes of the syntax tree are in the text. */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { nextLine } from './text-edit.ts';
import { UnsupportedLayout } from './unsupported.ts';

export type MapPair = Pair<Node, Node | null>;
export type BlockOrFlowMap = YAMLMap<Node, Node | null>;
export type YamlCollection = BlockOrFlowMap | YAMLSeq<Node | MapPair>;

/** Start and end of a value, without its anchor, tag and comments. */
export function rangeOf(node: unknown): readonly [number, number] {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  if (range === undefined || range === null)
    throw new UnsupportedLayout('this layout is not understood', undefined);
  return [range[0], range[1]];
}

/** Offset of the `-` of a list's element, of the key of a map's, or of the element itself in flow style. */
export function startOf(collection: YamlCollection, index: number): number {
  const item = collection.items[index];
  if (collection.flow === true)
    return flowStart(collection, index) ?? rangeOf(isPair(item) ? item.key : item)[0];
  if (isPair(item)) return rangeOf(item.key)[0];
  const token = collection.srcToken;
  const indicator =
    token?.type === 'block-seq'
      ? token.items[index]?.start.find(({ type }) => type === 'seq-item-ind')
      : undefined;
  return indicator?.offset ?? rangeOf(item)[0];
}

/** Before an anchor or tag: `[&a {…}]`. */
function flowStart(collection: YamlCollection, index: number): number | undefined {
  const token = collection.srcToken;
  if (token?.type !== 'flow-collection') return undefined;
  return token.items[index]?.start.find(({ type }) => type === 'anchor' || type === 'tag')?.offset;
}

/** The end of a node's content: that of its last descendant, because a block's own range continues over comments. */
export function endOf(node: Node | MapPair | null): number {
  if (isPair(node)) return node.value === null ? rangeOf(node.key)[1] : endOf(node.value);
  if ((isMap(node) || isSeq(node)) && node.flow !== true && node.items.length > 0) {
    return endOf(node.items.at(-1) as Node | MapPair);
  }
  return rangeOf(node)[1];
}

/** Offset after the last line of a node in block style. A block scalar (`|`) has its last line break in its range. */
export function endOfLines(text: string, node: Node | MapPair | null): number {
  const end = endOf(node);
  return end > 0 && text[end - 1] === '\n' ? end : nextLine(text, end);
}
