/** Edits of a text by offsets of the old text; everything between them stays byte by byte. */

export type TextEdit = {
  readonly start: number;
  /** Exclusive; equal to start for an insertion. */
  readonly end: number;
  readonly text: string;
  /** Of several edits at one place the deeper one comes first: the end of a list lies before the end of its parent. */
  readonly depth: number;
};

export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const ordered = edits.toSorted((left, right) => left.start - right.start || right.depth - left.depth);
  let result = '';
  let position = 0;
  for (const edit of ordered) {
    result += text.slice(position, Math.max(position, edit.start)) + edit.text;
    position = Math.max(position, edit.end);
  }
  result += text.slice(position);
  // Where the last line had no line break, a removal of lines leaves the one of the line before.
  return text.endsWith('\n') ? result : result.replace(/\r?\n$/, '');
}

/** Offset of the first character of the line that holds the offset. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Offset behind the line break of the line that holds the offset, or the end of the text. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

/** The line break that a text uses. */
export function lineBreakOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}

/** Whole lines in front of `offset`, which is the start of a line, or the end of a text without a last line break. */
export function insertLines(text: string, offset: number, lines: readonly string[], depth: number): TextEdit {
  const lineBreak = lineBreakOf(text);
  const block = lines.join(lineBreak);
  const isOpenEnd = offset === text.length && offset > 0 && !text.endsWith('\n');
  return { start: offset, end: offset, text: isOpenEnd ? lineBreak + block : block + lineBreak, depth };
}
