/** A change of a list or map in block style: adds and removes whole lines. */
import { isSeq } from 'yaml';
import type { CollectionChange } from './collection-model.ts';
import { endOfLines, startOf, type YamlCollection } from './node-range.ts';
import { blockLines } from './render.ts';
import { insertLines, lineStart, nextLine, type TextEdit } from './text-edit.ts';
import type { CollectionPlace } from './text-style.ts';
import { UnsupportedLayout } from './unsupported.ts';

/** @throws UnsupportedLayout */
export function editBlock(
  { text, collection, depth, style }: CollectionPlace,
  change: CollectionChange,
): TextEdit[] {
  const first = startOf(collection, 0);
  const column = first - lineStart(text, first);
  const insertions = change.insertions.map(({ before, values }) => {
    const content = isSeq(collection) ? values : Object.fromEntries(values as [string, unknown][]);
    const place = placeOf(text, collection, before, column);
    return insertLines(text, place, blockLines(content, style, column), depth);
  });
  const removals = change.removals.map(([from, to]): TextEdit => {
    const start = startOfOwnLine(text, collection, from);
    return { start, end: endOfLines(text, collection.items[to] ?? null), text: '', depth };
  });
  return [...insertions, ...removals];
}

/** Comments above the first element belong to it, so a new first element comes before them. */
function placeOf(
  text: string,
  collection: YamlCollection,
  before: number | undefined,
  column: number,
): number {
  if (before === undefined) return behindComments(text, collection, column);
  let place = startOfOwnLine(text, collection, before);
  if (before > 0) return place;
  while (place > 0 && /^[ \t]*(#.*)?\r?\n$/.test(text.slice(lineStart(text, place - 1), place)))
    place = lineStart(text, place - 1);
  return place;
}

/**
 * The end of a collection, including the comments in its column: `# key: value` below the last key of a map. Comments
 * in the column of a list's dash are left to what follows, which may be the next key of the map that holds the list.
 */
function behindComments(text: string, collection: YamlCollection, column: number): number {
  const least = isSeq(collection) ? column + 1 : column;
  let place = endOfLines(text, collection);
  for (;;) {
    const line = text.slice(place, nextLine(text, place));
    const comment = line.search(/\S/);
    if (comment < least || line[comment] !== '#') return place;
    place += line.length;
  }
}

function startOfOwnLine(text: string, collection: YamlCollection, index: number): number {
  const start = startOf(collection, index);
  const line = lineStart(text, start);
  if (text.slice(line, start).trim() === '') return line;
  throw new UnsupportedLayout(
    'what has to change here shares its line with something else; put it on a line of its own',
    start,
  );
}
