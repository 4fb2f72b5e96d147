/** A change of a list or map in flow style (`{…}`, `[…]`, and so JSON): adds and removes pieces with their commas. */
import { isSeq } from 'yaml';
import type { CollectionChange, Insertion } from './collection-model.ts';
import { endOf, rangeOf, startOf, type YamlCollection } from './node-range.ts';
import { inlineJson, prettyJson } from './render.ts';
import { indentAt, lineBreakAt, type TextEdit } from './text-edit.ts';
import type { CollectionPlace, TextStyle } from './text-style.ts';

type Layout =
  | { readonly kind: 'inline'; readonly separator: string; readonly isTight: boolean }
  | { readonly kind: 'lines'; readonly separator: string; readonly indent: string; readonly unit: string };

/** The value of a key in flow style, in place of another one. */
export function flowValue(text: string, offset: number, value: unknown, style: TextStyle): string {
  return style.jsonUnit === undefined
    ? inlineJson(value)
    : prettyJson(value, style.jsonUnit, indentAt(text, offset), lineBreakAt(text, offset));
}

export function editFlow(place: CollectionPlace, { insertions, removals }: CollectionChange): TextEdit[] {
  const put = place.collection.items.length === 0 ? fillEmpty : insert;
  return [
    ...insertions.map((insertion) => put(place, insertion)),
    ...removals.map((run) => remove(place, run)),
  ];
}

/** A JSON `{}` over several lines is opened; anything else, such as `{ }`, keeps its inner text after the new value. */
function fillEmpty(place: CollectionPlace, { values }: Insertion): TextEdit {
  const { text, collection, depth, style } = place;
  const [open, end] = rangeOf(collection);
  const at = open + 1;
  if (style.jsonUnit === undefined || end - open > 2) {
    const separator = style.isTight ? ',' : ', ';
    const layout: Layout = { kind: 'inline', separator, isTight: style.isTight };
    return { start: at, end: at, text: render(place, values, layout), depth };
  }
  const outer = lineBreakAt(text, open) + indentAt(text, open);
  const inner = outer + style.jsonUnit;
  const indent = indentAt(text, open) + style.jsonUnit;
  const layout: Layout = { kind: 'lines', separator: `,${inner}`, indent, unit: style.jsonUnit };
  return { start: at, end: at, text: inner + render(place, values, layout) + outer, depth };
}

function insert(place: CollectionPlace, { before, values }: Insertion): TextEdit {
  const { collection, depth } = place;
  const layout = layoutOf(place);
  const pieces = render(place, values, layout);
  const at = before === undefined ? endOf(collection.items.at(-1) ?? null) : startOf(collection, before);
  const text = before === undefined ? layout.separator + pieces : pieces + layout.separator;
  return { start: at, end: at, text, depth };
}

function layoutOf({ text, collection, style }: CollectionPlace): Layout {
  const open = rangeOf(collection)[0];
  const first = startOf(collection, 0);
  const indent = /\n([ \t]*)$/.exec(text.slice(open + 1, first))?.[1];
  if (indent === undefined) {
    const between =
      collection.items.length < 2
        ? ''
        : text.slice(endOf(collection.items[0] ?? null), startOf(collection, 1));
    const separator = /^, *$/.test(between) ? between : style.isTight ? ',' : ', ';
    return { kind: 'inline', separator, isTight: style.isTight };
  }
  const outer = indentAt(text, open);
  const level = indent.startsWith(outer) ? indent.slice(outer.length) : '';
  return {
    kind: 'lines',
    separator: `,${lineBreakAt(text, first)}${indent}`,
    indent,
    unit: style.jsonUnit ?? (level === '' ? '  ' : level),
  };
}

function render({ text, collection }: CollectionPlace, values: readonly unknown[], layout: Layout): string {
  const lineBreak = lineBreakAt(text, rangeOf(collection)[0]);
  const json = (value: unknown): string =>
    layout.kind === 'inline' ? inlineJson(value) : prettyJson(value, layout.unit, layout.indent, lineBreak);
  const colon = layout.kind === 'inline' && layout.isTight ? ':' : ': ';
  const pieces = values.map((value) => {
    if (isSeq(collection)) return json(value);
    const [key, content] = value as [string, unknown];
    return inlineJson(key) + colon + json(content);
  });
  return pieces.join(layout.separator);
}

function remove(
  { text, collection, depth }: CollectionPlace,
  [from, to]: readonly [number, number],
): TextEdit {
  const { items } = collection;
  const start = startOf(collection, from);
  if (to < items.length - 1) return { start, end: startOf(collection, to + 1), text: '', depth };
  const end = endOf(items[to] ?? null);
  return from > 0
    ? { start: endOf(items[from - 1] ?? null), end, text: '', depth }
    : { ...inside(text, collection, start, end), text: '', depth };
}

/** What is between the brackets when no element is left: with the line breaks that `fillEmpty` added, and no others. */
function inside(
  text: string,
  collection: YamlCollection,
  start: number,
  end: number,
): { readonly start: number; readonly end: number } {
  const [open, close] = rangeOf(collection);
  const isOpened =
    /^\r?\n[ \t]*$/.test(text.slice(open + 1, start)) && text.slice(end, close - 1).trim() === '';
  return isOpened ? { start: open + 1, end: close - 1 } : { start, end };
}
