/** A layout that cannot be edited without changing something else. It becomes a problem with a line, never an edit. */
import { isMap, isScalar, isSeq, type Alias, type YAMLMap } from 'yaml';

export class UnsupportedLayout extends Error {
  /** Offset in the text; undefined when it is the pod as a whole. */
  readonly offset: number | undefined;

  constructor(message: string, offset: number | undefined) {
    super(message);
    this.name = 'UnsupportedLayout';
    this.offset = offset;
  }
}

export function aliased(alias: Alias): UnsupportedLayout {
  const message = `the alias *${alias.source} stands where something has to change, and every place that shares it would change; write it out here`;
  return new UnsupportedLayout(message, alias.range?.[0]);
}

/** A key that the map has through a merge (`<<: *base`), so that the text to edit is elsewhere. */
export function notWritten(map: YAMLMap, key: string): UnsupportedLayout {
  const merge = map.items.find((pair) => isScalar(pair.key) && pair.key.source === '<<');
  const message = `${JSON.stringify(key)} comes from the merge key <<, and every place that shares it would change; write it out here`;
  return new UnsupportedLayout(message, isScalar(merge?.key) ? merge.key.range?.[0] : map.range?.[0]);
}

export function noCollection(node: unknown): UnsupportedLayout {
  const range = isMap(node) || isSeq(node) || isScalar(node) ? node.range : undefined;
  return new UnsupportedLayout('a list or map was expected here', range?.[0]);
}
