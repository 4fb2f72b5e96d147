/** Edits of a text by offsets of the old text; everything between them stays byte by byte. */

export type TextEdit = {
  readonly start: number;
  /** Exclusive; equal to start for an insertion. */
  readonly end: number;
  readonly text: string;
  /** Of several edits at one place, the deeper one comes first: a list ends before its parent does. */
  readonly depth: number;
};

export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  if (edits.length === 0) return text;
  const ordered = edits.toSorted((left, right) => left.start - right.start || right.depth - left.depth);
  const pieces: string[] = [];
  let position = 0;
  for (const edit of ordered) {
    pieces.push(text.slice(position, Math.max(position, edit.start)), edit.text);
    position = Math.max(position, edit.end);
  }
  const result = pieces.join('') + text.slice(position);
  // If the last line had no line break, removing lines leaves the break of the line before.
  return text.endsWith('\n') ? result : result.replace(/\r?\n$/, '');
}

/** Offset of the first character of the line that holds the offset. */
export function lineStart(text: string, offset: number): number {
  // A negative position would count as 0, and find a line break that is the first character.
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

/** Offset after the line break of the line that holds the offset, or the end of the text. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

/** White space at the start of the line that holds the offset. */
export function indentAt(text: string, offset: number): string {
  const line = lineStart(text, offset);
  return /^[ \t]*/.exec(text.slice(line, offset))?.[0] ?? '';
}

/** The line break before the line that holds the offset, or after it if it is the first line. */
export function lineBreakAt(text: string, offset: number): string {
  const line = lineStart(text, offset);
  const end = line > 0 ? line - 1 : text.indexOf('\n');
  return end > 0 && text[end - 1] === '\r' ? '\r\n' : '\n';
}

/** Whole lines before `offset`, which is the start of a line, or the end of a text without a last line break. */
export function insertLines(text: string, offset: number, lines: readonly string[], depth: number): TextEdit {
  const lineBreak = lineBreakAt(text, offset);
  const block = lines.join(lineBreak);
  const isOpenEnd = offset === text.length && offset > 0 && !text.endsWith('\n');
  return { start: offset, end: offset, text: isOpenEnd ? lineBreak + block : block + lineBreak, depth };
}
