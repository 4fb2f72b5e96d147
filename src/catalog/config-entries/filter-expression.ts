/** Consul's filter language, parsed as far as needed to say whether an expression is valid (go-bexpr 0.1.2, grammar.peg). */

type FilterReading =
  | { readonly ok: true; readonly selectors: readonly string[] }
  /** Counted from 0. */
  | { readonly ok: false; readonly offset: number };

const SELECTOR = /[a-zA-Z][a-zA-Z0-9_/]*(?:\.[a-zA-Z][a-zA-Z0-9_/]*|\[\s*(?:"[^"]*"|`[^`]*`)\s*\])*/y;
const LITERAL = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?=[\s)]|$)|"[^"]*"|`[^`]*`/y;
const COMPARISON = /\s*(?:==|!=)\s*|\s+(?:not\s+)?(?:contains|matches)\s+/y;
const EMPTINESS = /\s+is\s+(?:not\s+)?empty/y;
const MEMBERSHIP = /\s+(?:not\s+)?in\s+/y;

/** Deeper than anybody writes; each level takes a frame of the stack. */
const DEEPEST = 50;

/** Reads an expression such as `Service.Meta.version == v1 and not Checks is empty`. */
export function readFilter(expression: string): FilterReading {
  const selectors: string[] = [];
  let at = 0;
  let farthest = 0;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(expression)?.[0];
    if (found === undefined) return undefined;
    at += found.length;
    farthest = Math.max(farthest, at);
    return found;
  };
  /** Reads all parts, or none. */
  const inOrder = (...parts: readonly (() => boolean)[]): boolean => {
    const [start, known] = [at, selectors.length];
    if (parts.every((part) => part())) return true;
    at = start;
    selectors.length = known;
    return false;
  };
  const has = (pattern: RegExp) => (): boolean => take(pattern) !== undefined;
  const selector = (): boolean => {
    const found = take(SELECTOR);
    if (found !== undefined) selectors.push(found);
    return found !== undefined;
  };
  const value = (): boolean => take(SELECTOR) !== undefined || take(LITERAL) !== undefined;
  const match = (): boolean =>
    inOrder(selector, has(COMPARISON), value) ||
    inOrder(selector, has(EMPTINESS)) ||
    inOrder(value, has(MEMBERSHIP), selector);
  const grouped = (depth: number): boolean =>
    inOrder(has(/\(\s*/y), () => disjunction(depth - 1), has(/\s*\)/y)) || match();
  const negation = (depth: number): boolean =>
    depth > 0 && (inOrder(has(/not\s+/y), () => negation(depth - 1)) || grouped(depth));
  const conjunction = (depth: number): boolean => {
    if (!negation(depth)) return false;
    while (inOrder(has(/\s+and\s+/y), () => negation(depth)));
    return true;
  };
  const disjunction = (depth: number): boolean => {
    if (!conjunction(depth)) return false;
    while (inOrder(has(/\s+or\s+/y), () => conjunction(depth)));
    return true;
  };

  take(/\s*/y);
  const isRead = disjunction(DEEPEST);
  take(/\s*/y);
  return isRead && at === expression.length ? { ok: true, selectors } : { ok: false, offset: farthest };
}
