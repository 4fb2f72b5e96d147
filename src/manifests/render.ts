/** Values as text in the style of their manifest. */
import { Document, visit } from 'yaml';
import type { TextStyle } from './text-style.ts';
import { plainValue } from './yaml-scalars.ts';

// Legal, but some readers treat them as line breaks or lose them; written as escapes.
const ESCAPED = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

// Control characters and halves of surrogate pairs.
const UNPRINTABLE = /[^\P{C}\n\t]|[\u2028\u2029]/u;

/** Lines in block style, without line breaks. */
export function blockLines(value: unknown, { indent, indentSeq }: TextStyle, column: number): string[] {
  // Other readers take `1:30` as a number.
  const document = new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && needsQuotes(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  const text = document.toString({ lineWidth: 0, indent, indentSeq });
  const lines = escaped(text).replace(/\n$/, '').split('\n');
  return lines.map((line) => (line === '' ? line : ' '.repeat(column) + line));
}

/**
 * In block style white space at the end would run into the blank lines that follow, and white space at the start needs an
 * indicator (`|2`) that the library writes for an indentation of two whatever the indentation is.
 */
function needsQuotes(text: string): boolean {
  const end = text.slice(text.trimEnd().length);
  if (text === '<<' || plainValue(text) !== text) return true;
  return text !== text.trimStart() || (end !== '' && end !== '\n') || UNPRINTABLE.test(text);
}

/** JSON on one line. */
export function inlineJson(value: unknown): string {
  return escaped(JSON.stringify(value));
}

/** JSON over lines; the first has no indentation. */
export function prettyJson(value: unknown, unit: string, indent: string, lineBreak: string): string {
  return escaped(JSON.stringify(value, null, unit)).replaceAll('\n', lineBreak + indent);
}

function escaped(text: string): string {
  return text.replace(ESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
