/** Reading and quoting of short texts that people write. */
import { closest, distance } from 'fastest-levenshtein';

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

export const BOOLEAN_WORDS = '1 t T TRUE true True 0 f F FALSE false False';

/** The boolean that consul-k8s reads from the same text (Go's strconv.ParseBool), or undefined when it is none. */
export function parseBoolean(text: string): boolean | undefined {
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : undefined;
}

/** A whole number in decimal digits, without sign, space, or loss of precision; else undefined. */
export function parseWholeNumber(text: string): number | undefined {
  if (!/^[0-9]{1,15}$/.test(text)) return undefined;
  return Number(text);
}

// Long enough for any legal annotation name or element; a message must stay readable in `kubectl describe`.
const QUOTED_LENGTH = 80;

// "… is forbidden: User … cannot … resource … in API group … in the namespace …", with names of 63 and 253 characters.
const SENTENCE_LENGTH = 600;

/** A piece of user text for a message: JSON-quoted, so that control characters show, and cut to a readable length. */
export function quote(text: string): string {
  return quoted(text, QUOTED_LENGTH);
}

/** The message for a value that YAML does not read as text, such as `true` and `8080`. */
export function mustBeString(value: unknown): string {
  return typeof value === 'boolean' || typeof value === 'number'
    ? `must be a string; put it in quotes: "${value}"`
    : 'must be a string; put it in quotes';
}

/** A server's message, whose point may be at the end of a long sentence. */
export function quoteSentence(text: string): string {
  return quoted(text, SENTENCE_LENGTH);
}

function quoted(text: string, length: number): string {
  const json = escapeJson(JSON.stringify(text.slice(0, length)));
  return text.length <= length ? json : `${json}…`;
}

// C0, DEL and C1 (ECMA-48), what changes the direction of a line (Unicode Standard Annex 9), and Unicode's line ends.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * The text on one line that shows what a terminal would obey: `\x1b`, `\u{202e}`. For every text from outside that
 * reaches a terminal; line ends of our own are added after it.
 */
export function escapeControl(text: string): string {
  return text.replace(CONTROL, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
  });
}

/** `escapeControl` for a text that may have several lines, which become one. */
export function oneLine(text: string): string {
  return escapeControl(text.replaceAll(/[\r\n]\s*/g, ' '));
}

/** `escapeControl`, with a newline at the end. */
export function terminalLine(text: string): string {
  return `${escapeControl(text)}\n`;
}

/** Whether a terminal would obey a part of the text, if only by a new line. */
export function hasControl(text: string): boolean {
  return escapeControl(text) !== text;
}

/** The same for a text that may have tabs and several lines, which end in LF or CR LF. */
export function hasControlInLines(text: string): boolean {
  return hasControl(text.replaceAll(/\t|\r?\n/g, ' '));
}

/** JSON that means the same and holds no control character but the line ends between its values. */
export function escapeJson(json: string): string {
  return json.replace(CONTROL, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * The candidate that is most like the text, if it is close enough to be a likely typo: at most a third of the
 * text's characters differ.
 */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  // Distance costs length × length, and no name of ours is longer than this.
  if (candidates.length === 0 || text.length > 100) return undefined;
  const best = closest(text, candidates);
  return distance(text, best) <= Math.max(1, Math.floor(text.length / 3)) ? best : undefined;
}
