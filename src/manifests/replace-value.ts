/**
 * A value in place of another one, so that the old one can be restored byte by byte. If its usual form could not restore
 * the old text, the old text stays as a comment, and the new value goes below it:
 *
 *     annotations: ~          annotations: # was ~
 *                           a: b
 */
import { isDeepStrictEqual } from 'node:util';
import { isAlias, isCollection, isScalar, parse, type Node } from 'yaml';
import { flowValue } from './edit-flow.ts';
import { endOfLines, rangeOf, type BlockOrFlowMap, type MapPair } from './node-range.ts';
import { blockLines, inlineJson } from './render.ts';
import { insertLines, lineStart, nextLine, type TextEdit } from './text-edit.ts';
import type { TextStyle } from './text-style.ts';
import { aliased, UnsupportedLayout } from './unsupported.ts';
import { plainValue, yamlOptions } from './yaml-scalars.ts';

const MARK = '# was ';

type ValuePlace = {
  readonly text: string;
  readonly map: BlockOrFlowMap;
  readonly pair: MapPair;
  /** Indentation of the value: deeper than the map, whose new keys come after it. */
  readonly depth: number;
  readonly style: TextStyle;
};

/** @throws UnsupportedLayout */
export function putValue(place: ValuePlace, value: unknown): TextEdit[] {
  const { text, map, pair, depth, style } = place;
  const node = valueOf(pair);
  if (isCollection(node))
    throw new UnsupportedLayout('a list or map stands where a value was expected', rangeOf(node)[0]);
  if (!isScalar(node)) return [];
  if (node.value === value) return [];
  const [start, end] = rangeOf(node);
  const usual = usualForm(text, pair, node.value);
  const isUsual = text.slice(start, end) === usual;
  if (map.flow === true) {
    if (!isUsual) throw notUsual(text.slice(start, end), usual, rangeOf(pair.key)[0]);
    return [{ start, end, text: flowValue(text, start, value, style), depth }];
  }
  if (isUsual && node.value !== null && typeof value !== 'object')
    return [{ start, end, text: inlineJson(value), depth }];
  return putBelow(place, value, start, end);
}

function putBelow(
  { text, pair, depth, style }: ValuePlace,
  value: unknown,
  start: number,
  end: number,
): TextEdit[] {
  if (text.slice(start, end).includes('\n'))
    throw new UnsupportedLayout(
      'a value over several lines would have to change; write it on one line',
      start,
    );
  const key = rangeOf(pair.key)[0];
  const isUnindented = Array.isArray(value) && value.length > 0 && !style.indentSeq;
  const column = key - lineStart(text, key) + (isUnindented ? 0 : style.indent);
  const lines =
    typeof value === 'object' ? blockLines(value, style, column) : [' '.repeat(column) + inlineJson(value)];
  const isEmpty = start === end;
  const below = insertLines(text, nextLine(text, isEmpty ? rangeOf(pair.key)[1] : end), lines, depth);
  return isEmpty ? [below] : [{ start, end: start, text: MARK, depth }, below];
}

/** The inverse of `putValue`. */
export function restoreValue({ text, map, pair, depth }: ValuePlace, value: unknown): TextEdit[] {
  const node = valueOf(pair);
  if (isScalar(node) && node.value === value) return [];
  const [start, end] = rangeOf(node);
  const key = rangeOf(pair.key)[1];
  const isBelow = map.flow !== true && lineStart(text, start) > key;
  if (isBelow) {
    const lines = { start: lineStart(text, start), end: endOfLines(text, node), text: '', depth };
    const mark = markOf(text, key, start, value);
    if (mark !== undefined) return [{ start: mark, end: mark + MARK.length, text: '', depth }, lines];
    if (value === null) return [lines];
  }
  if (isCollection(node) && node.flow !== true)
    throw new UnsupportedLayout('a list or map stands where a value was expected', start);
  return [{ start, end, text: usualForm(text, pair, value), depth }];
}

// Names of ports (RFC 6335, section 5.1) and other words, as people write them without quotes.
const WORD = /^[a-z][a-z0-9-]*$/;

/** What can be restored of a value: JSON, and a word without quotes after a key without quotes. */
function usualForm(text: string, { key }: MapPair, value: unknown): string {
  const isWord = typeof value === 'string' && WORD.test(value) && plainValue(value) === value;
  return isWord && !/["']/.test(text[rangeOf(key)[0]] ?? '') ? value : inlineJson(value);
}

/** Offset of the comment that holds the old text, when that text means the value. */
function markOf(text: string, from: number, to: number, value: unknown): number | undefined {
  const mark = text.slice(from, to).indexOf(MARK);
  if (mark === -1) return undefined;
  const source = text.slice(from + mark + MARK.length, nextLine(text, from + mark));
  try {
    return isDeepStrictEqual(parse(source, yamlOptions), value) ? from + mark : undefined;
  } catch {
    // A comment of the author's that only begins like one of ours.
    return undefined;
  }
}

function valueOf(pair: MapPair): Node {
  const node = pair.value;
  if (isAlias(node)) throw aliased(node);
  if (node === null)
    throw new UnsupportedLayout(
      'a key without a colon would have to change; write "key: null"',
      rangeOf(pair.key)[0],
    );
  return node;
}

function notUsual(source: string, usual: string, offset: number): UnsupportedLayout {
  const found = source === '' ? 'an empty value' : source;
  const message = `${found} inside braces would have to change and could not be restored; write ${usual}`;
  return new UnsupportedLayout(message, offset);
}
