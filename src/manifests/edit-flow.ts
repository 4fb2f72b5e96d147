/** A change of a list or map in flow style (`{…}`, `[…]`, and so JSON): pieces with their commas come and go. */
import { isSeq } from 'yaml';
import type { CollectionChange, Insertion } from './collection-model.ts';
import { endOf, rangeOf, startOf, type YamlCollection } from './node-range.ts';
import { inlineJson, prettyJson } from './render.ts';
import { indentAt, lineBreakAt, type TextEdit } from './text-edit.ts';
import type { TextStyle } from './text-style.ts';

type Layout =
  | { readonly kind: 'inline'; readonly separator: string; readonly isTight: boolean }
  | { readonly kind: 'lines'; readonly separator: string; readonly indent: string; readonly unit: string };

/** The value of a key in flow style, in the place of another one. */
export function flowValue(text: string, offset: number, value: unknown, style: TextStyle): string {
  return style.jsonUnit === undefined
    ? inlineJson(value)
    : prettyJson(value, style.jsonUnit, indentAt(text, offset), lineBreakAt(text, offset));
}

export function editFlow(
  text: string,
  collection: YamlCollection,
  change: CollectionChange,
  depth: number,
  style: TextStyle,
): TextEdit[] {
  const insertions =
    collection.items.length === 0
      ? change.insertions.map(({ values }) => fillEmpty(text, collection, values, depth, style))
      : change.insertions.map((insertion) => insert(text, collection, insertion, depth, style));
  return [...insertions, ...change.removals.map((run) => remove(text, collection, run, depth))];
}

/** `{}` of JSON over lines is opened; anything else, such as `{ }`, keeps what it has inside behind the new. */
function fillEmpty(
  text: string,
  collection: YamlCollection,
  values: readonly unknown[],
  depth: number,
  style: TextStyle,
): TextEdit {
  const [open, end] = rangeOf(collection);
  const at = open + 1;
  if (style.jsonUnit === undefined || end - open > 2) {
    const separator = style.isTight ? ',' : ', ';
    const layout: Layout = { kind: 'inline', separator, isTight: style.isTight };
    return { start: at, end: at, text: render(text, collection, values, layout), depth };
  }
  const outer = lineBreakAt(text, open) + indentAt(text, open);
  const indent = indentAt(text, open) + style.jsonUnit;
  const layout: Layout = {
    kind: 'lines',
    separator: `,${outer}${style.jsonUnit}`,
    indent,
    unit: style.jsonUnit,
  };
  const pieces = render(text, collection, values, layout);
  return { start: at, end: at, text: outer + style.jsonUnit + pieces + outer, depth };
}

function insert(
  text: string,
  collection: YamlCollection,
  { before, values }: Insertion,
  depth: number,
  style: TextStyle,
): TextEdit {
  const layout = layoutOf(text, collection, style);
  const pieces = render(text, collection, values, layout);
  const at = before === undefined ? endOf(collection.items.at(-1) ?? null) : startOf(collection, before);
  return {
    start: at,
    end: at,
    text: before === undefined ? layout.separator + pieces : pieces + layout.separator,
    depth,
  };
}

function layoutOf(text: string, collection: YamlCollection, style: TextStyle): Layout {
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

function render(
  text: string,
  collection: YamlCollection,
  values: readonly unknown[],
  layout: Layout,
): string {
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
  text: string,
  collection: YamlCollection,
  [from, to]: readonly [number, number],
  depth: number,
): TextEdit {
  const { items } = collection;
  const isLast = to === items.length - 1;
  const end = isLast ? endOf(items[to] ?? null) : startOf(collection, to + 1);
  if (from > 0 && isLast) return { start: endOf(items[from - 1] ?? null), end, text: '', depth };
  const start = startOf(collection, from);
  return isLast
    ? { ...inside(text, collection, start, end), text: '', depth }
    : { start, end, text: '', depth };
}

/** What is between the brackets when nothing stays: with the line breaks that `fillEmpty` put there, without others. */
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
