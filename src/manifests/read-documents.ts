/** A text as YAML documents, with their syntax trees and their values; JSON is YAML. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type ParsedNode,
} from 'yaml';
import { yamlOptions } from './yaml-scalars.ts';

export type ManifestDocument = {
  readonly root: ParsedNode | null;
  readonly value: unknown;
  readonly syntax: Document.Parsed;
};

type ReadDocuments =
  | { readonly ok: true; readonly documents: readonly ManifestDocument[]; readonly lines: LineCounter }
  /** Line and column counted from 1. */
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

// A large list whose items share one anchor has more than the library's limit of 100. A file that multiplies by
// aliases of aliases passes 10,000 at its fifth level of ten.
const MAX_ALIASES = 10_000;

const BYTE_ORDER_MARK = '\uFEFF';

/** It is not part of the first line: it would shift every column there by one. */
export function splitByteOrderMark(text: string): { readonly mark: string; readonly rest: string } {
  return text.startsWith(BYTE_ORDER_MARK)
    ? { mark: BYTE_ORDER_MARK, rest: text.slice(BYTE_ORDER_MARK.length) }
    : { mark: '', rest: text };
}

/** @param text without a byte order mark, so that offsets count from its first character */
export function readDocuments(text: string): ReadDocuments {
  const lines = new LineCounter();
  const failure = (offset: number, message: string): ReadDocuments => {
    const { line, col } = lines.linePos(offset);
    return { ok: false, line: Math.max(1, line), column: Math.max(1, col), message };
  };
  const parsed = [...parseAllDocuments(text, { ...yamlOptions, keepSourceTokens: true, lineCounter: lines })];
  const [error] = parsed.flatMap(({ errors }) => errors);
  if (error !== undefined) return failure(error.pos[0], messageOf(error));
  const documents: ManifestDocument[] = [];
  for (const syntax of parsed) {
    try {
      documents.push({ root: syntax.contents, value: syntax.toJS({ maxAliasCount: MAX_ALIASES }), syntax });
    } catch {
      const { offset, message } = whyWithoutValue(syntax);
      return failure(offset, message);
    }
  }
  return { ok: true, documents, lines };
}

/** Why a document that can be parsed has no value. */
function whyWithoutValue(syntax: Document.Parsed): { readonly offset: number; readonly message: string } {
  let found: { readonly offset: number; readonly message: string } | undefined;
  visit(syntax, {
    Alias: (_key, alias) => {
      if (alias.resolve(syntax) !== undefined) return undefined;
      const message = `the alias *${alias.source} has no anchor &${alias.source} before it`;
      found = { offset: alias.range?.[0] ?? 0, message };
      return visit.BREAK;
    },
    Pair: (_key, { key, value }) => {
      if (!isScalar(key) || key.source !== '<<' || isMergeable(value, syntax)) return undefined;
      found = { offset: key.range?.[0] ?? 0, message: 'a merge key (<<) needs a map, or a list of maps' };
      return visit.BREAK;
    },
  });
  return (
    found ?? {
      offset: syntax.contents?.range[0] ?? 0,
      message: 'aliases refer to themselves, or multiply beyond the limit',
    }
  );
}

function isMergeable(value: unknown, syntax: Document.Parsed): boolean {
  const source = isAlias(value) ? value.resolve(syntax) : value;
  const isMapIn = (each: unknown): boolean => isMap(isAlias(each) ? each.resolve(syntax) : each);
  return isSeq(source) ? source.items.every(isMapIn) : isMap(source);
}

/** The library's words without the place, which is reported separately, and without its excerpt of the text. */
function messageOf(error: { readonly code: string; readonly message: string }): string {
  const message = (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
  return /call stack/.test(message) ? 'lists or maps are nested too deep to be read' : message;
}
