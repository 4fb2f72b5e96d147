/** A text as YAML documents, with their syntax trees and their values; JSON is YAML. */
import { LineCounter, parseAllDocuments, type Document, type ParsedNode } from 'yaml';
import { yamlOptions } from './yaml-scalars.ts';

export type ManifestDocument = {
  readonly root: ParsedNode | null;
  readonly value: unknown;
  readonly syntax: Document.Parsed;
};

export type ReadDocuments =
  | { readonly ok: true; readonly documents: readonly ManifestDocument[]; readonly lines: LineCounter }
  /** Line and column counted from 1. */
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

// The library's own limit of 100 is less than the items of a large list that share one anchor. A file that multiplies by
// aliases of aliases passes 10,000 at its fifth level of ten.
const MAX_ALIASES = 10_000;

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
      const message = 'aliases that refer to themselves, or multiply beyond reason';
      return failure(syntax.contents?.range[0] ?? 0, message);
    }
  }
  return { ok: true, documents, lines };
}

/** The library's words without the place, which is told apart, and without its excerpt of the text. */
function messageOf(error: { readonly code: string; readonly message: string }): string {
  const message = (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
  return /call stack/.test(message) ? 'lists or maps in one another, too deep to be read' : message;
}
