/** What was reported of each source, and since when it holds: a text is reported once, as long as it holds. */
import { earliest } from '../support/earliest.ts';

export type ToldProblems = {
  /** All that is wrong with the source now; returns what was not reported yet. */
  readonly tell: (source: string, texts: readonly string[]) => ReadonlySet<string>;
  /** Milliseconds since the epoch: since when the oldest has held. */
  readonly since: (source: string) => number | undefined;
  readonly sources: () => Iterable<string>;
};

/** @param now milliseconds since the epoch */
export function toldProblems(now: () => number): ToldProblems {
  const told = new Map<string, ReadonlyMap<string, number>>();
  return {
    tell: (source, texts) => {
      const before = told.get(source);
      if (texts.length === 0) told.delete(source);
      else told.set(source, new Map(texts.map((text) => [text, before?.get(text) ?? now()])));
      return new Set(texts.filter((text) => before?.has(text) !== true));
    },
    since: (source) => earliest(told.get(source)?.values() ?? []),
    sources: () => told.keys(),
  };
}
