/** A change of one list or map as edits of the text: whole lines in block style, pieces in flow style (and JSON). */
import {
  isMap,
  isPair,
  isScalar,
  isSeq,
  stringify,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { CollectionChange } from './collection-model.ts';
import { insertLines, lineStart, nextLine, type TextEdit } from './text-edit.ts';
import { UnsupportedLayout } from './unsupported.ts';

export type Collection = YAMLMap<Node, Node | null> | YAMLSeq<Node | Pair<Node, Node | null>>;

/** How new block lists stand under their key in this text. */
export type BlockStyle = { readonly indentSeq: boolean };

/**
 * @param values of insertions: elements of a list, or `[key, value]` of a map
 * @param depth number of keys on the way to the collection
 */
export function editCollection(
  text: string,
  collection: Collection,
  change: CollectionChange,
  depth: number,
  style: BlockStyle,
): TextEdit[] {
  return collection.flow === true
    ? editFlow(text, collection, change, depth)
    : editBlock(text, collection, change, depth, style);
}

/** `env:` with nothing behind it gets lines of its own. */
export function fillEmpty(
  text: string,
  pair: Pair<Node, Node | null>,
  value: unknown,
  depth: number,
  style: BlockStyle,
): TextEdit {
  const start = rangeOf(pair.key)[0];
  const indent = start - lineStart(text, start);
  const isList = Array.isArray(value);
  const lines = render(value, style, indent + (isList && !style.indentSeq ? 0 : 2));
  return insertLines(text, nextLine(text, start), lines, depth);
}

/** The inverse of `fillEmpty`: the value's lines go, the key stays. */
export function emptyOut(text: string, pair: Pair<Node, Node | null>, depth: number): TextEdit {
  const value = pair.value;
  const line = nextLine(text, rangeOf(pair.key)[0]);
  if ((isMap(value) || isSeq(value)) && value.flow !== true && rangeOf(value)[0] >= line) {
    return { start: line, end: endOfLines(text, value), text: '', depth };
  }
  const [start, end] = rangeOf(value);
  return { start, end, text: 'null', depth };
}

function editBlock(
  text: string,
  collection: Collection,
  change: CollectionChange,
  depth: number,
  style: BlockStyle,
): TextEdit[] {
  const first = startOf(collection, 0);
  const indent = first - lineStart(text, first);
  const insertions = change.insertions.map(({ before, values }) => {
    const lines = values.flatMap((value) => renderElement(collection, value, style, indent));
    return insertLines(text, blockPlace(text, collection, before), lines, depth);
  });
  const removals = change.removals.map(([from, to]): TextEdit => {
    const start = startOf(collection, from);
    const line = lineStart(text, start);
    if (text.slice(line, start).trim() !== '')
      throw new UnsupportedLayout('what is to go shares its line with something else', start);
    return { start: line, end: endOfLines(text, valueOf(collection, to)), text: '', depth };
  });
  return [...insertions, ...removals];
}

/** Comments above the first element of a list belong to it, so new elements come before them. */
function blockPlace(text: string, collection: Collection, before: number | undefined): number {
  if (before === undefined) return endOfLines(text, collection);
  const start = startOf(collection, before);
  const line = lineStart(text, start);
  if (text.slice(line, start).trim() !== '')
    throw new UnsupportedLayout('a list that starts on the line of its parent', start);
  if (before > 0) return line;
  let place = line;
  while (place > 0 && /^[ \t]*(#.*)?\r?\n$/.test(text.slice(lineStart(text, place - 1), place)))
    place = lineStart(text, place - 1);
  return place;
}

function renderElement(collection: Collection, value: unknown, style: BlockStyle, indent: number): string[] {
  if (isSeq(collection)) return render([value], style, indent);
  const [key, content] = value as [string, unknown];
  return render({ [key]: content }, style, indent);
}

function render(value: unknown, { indentSeq }: BlockStyle, indent: number): string[] {
  const text = stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, indentSeq });
  const lines = text.replace(/\n$/, '').split('\n');
  return lines.map((line) => (line === '' ? line : ' '.repeat(indent) + line));
}

/** Offset behind the last line of a node in block style. */
function endOfLines(text: string, node: Node | Pair<Node, Node | null> | null): number {
  const end = endOf(node);
  return end > 0 && text[end - 1] === '\n' ? end : nextLine(text, end);
}

/** Where the content of a node ends: its last descendant, because a block's own range runs on over comments. */
function endOf(node: Node | Pair<Node, Node | null> | null): number {
  if (isPair(node)) return node.value === null ? rangeOf(node.key)[1] : endOf(node.value);
  if ((isMap(node) || isSeq(node)) && node.flow !== true && node.items.length > 0) {
    return endOf(node.items.at(-1) as Node | Pair<Node, Node | null>);
  }
  return rangeOf(node)[1];
}

function editFlow(text: string, collection: Collection, change: CollectionChange, depth: number): TextEdit[] {
  const size = collection.items.length;
  const open = rangeOf(collection)[0] + 1;
  const gap = size === 0 ? '' : text.slice(open, startOf(collection, 0));
  const separator = /^\s*$/.test(gap) && gap.includes('\n') ? `,${gap}` : ', ';
  const insertions = change.insertions.map(({ before, values }): TextEdit => {
    const pieces = values.map((value) => renderFlow(collection, value, gap)).join(separator);
    const at =
      before === undefined
        ? size === 0
          ? open
          : endOf(valueOf(collection, size - 1))
        : startOf(collection, before);
    const piece = size === 0 ? pieces : before === undefined ? separator + pieces : pieces + separator;
    return { start: at, end: at, text: piece, depth };
  });
  const removals = change.removals.map(([from, to]): TextEdit => {
    const isLast = to === size - 1;
    const start = isLast && from > 0 ? endOf(valueOf(collection, from - 1)) : startOf(collection, from);
    const end = isLast ? endOf(valueOf(collection, to)) : startOf(collection, to + 1);
    return { start, end, text: '', depth };
  });
  return [...insertions, ...removals];
}

/** Laid out over lines where the text around it is. */
function renderFlow(collection: Collection, value: unknown, gap: string): string {
  const lineBreak = /\r?\n/.exec(gap)?.[0];
  const indent = lineBreak === undefined ? '' : gap.slice(gap.lastIndexOf('\n') + 1);
  const json = (content: unknown): string =>
    lineBreak === undefined
      ? JSON.stringify(content)
      : JSON.stringify(content, null, 2).replaceAll('\n', lineBreak + indent);
  if (isSeq(collection)) return json(value);
  const [key, content] = value as [string, unknown];
  return `${JSON.stringify(key)}: ${json(content)}`;
}

/** Offset of the `-` of a list's element, of the key of a map's, or of the element itself in flow style. */
function startOf(collection: Collection, index: number): number {
  const item = collection.items[index];
  const start = isPair(item) ? rangeOf(item.key)[0] : rangeOf(item)[0];
  if (collection.flow === true || isMap(collection)) return start;
  const token = collection.srcToken;
  const indicator =
    token?.type === 'block-seq'
      ? token.items[index]?.start.find(({ type }) => type === 'seq-item-ind')
      : undefined;
  return indicator?.offset ?? start;
}

function valueOf(collection: Collection, index: number): Node | Pair<Node, Node | null> | null {
  return collection.items[index] ?? null;
}

function rangeOf(node: unknown): readonly [number, number] {
  const range = isScalar(node) || isMap(node) || isSeq(node) ? node.range : undefined;
  if (range === undefined || range === null)
    throw new UnsupportedLayout('an alias (*name) stands where something has to be added', 0);
  return [range[0], range[1]];
}
