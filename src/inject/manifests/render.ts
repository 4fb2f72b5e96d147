/** Values as text in the style of the manifest that they come into. */
import { Document, visit } from 'yaml';
import type { TextStyle } from './text-style.ts';

/** Printable for YAML 1.1, but easily lost or taken for a line break; written as escapes. */
const ESCAPED = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

/** Block style would lose them, or spread over blank lines that follow. */
// oxlint-disable-next-line no-control-regex
const NEEDS_QUOTES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ud800-\udfff]|\n\s*\n$|^\s+$/;

/** Lines in block style, without line breaks. */
export function blockLines(value: unknown, { indent, indentSeq }: TextStyle, column: number): string[] {
  // Kubernetes reads YAML 1.1, where a plain `no` or `1_000` is no string.
  const document = new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && NEEDS_QUOTES.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  const text = document.toString({ lineWidth: 0, indent, indentSeq });
  const lines = escaped(text).replace(/\n$/, '').split('\n');
  return lines.map((line) => (line === '' ? line : ' '.repeat(column) + line));
}

/** JSON on one line. */
export function inlineJson(value: unknown, isTight: boolean): string {
  return escaped(isTight ? JSON.stringify(value) : spaced(value));
}

/** JSON over lines; the first has no indentation. */
export function prettyJson(value: unknown, unit: string, indent: string, lineBreak: string): string {
  return escaped(JSON.stringify(value, null, unit)).replaceAll('\n', lineBreak + indent);
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, content]) => `${JSON.stringify(key)}: ${spaced(content)}`);
  return `{${members.join(', ')}}`;
}

function escaped(text: string): string {
  return text.replace(ESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
