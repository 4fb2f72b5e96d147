/**
 * Takes the variables of containers out of the text of a request. The engine counts them, and reads the names of few; parsing
 * 1,500 of them costs four times as much as removing them first.
 */
import { UPSTREAM_MARK } from './names.ts';

// RFC 8259, section 7.
const UNESCAPED = String.raw`[^"\\\u0000-\u001f]*`;
const ESCAPED = String.raw`\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})`;
// As an API server writes them. An escape in a name could hide what is looked for in names.
const PLAIN = String.raw`\{"name":"${UNESCAPED}","value":"${UNESCAPED}(?:${ESCAPED}${UNESCAPED})*"\}`;
// No string of a valid text contains the beginning: its quotation marks would be escaped there.
const PLAIN_VARIABLES = new RegExp(String.raw`(?<=[{,]"env":\[)${PLAIN}(?:,${PLAIN})*`, 'g');
const BETWEEN = '},{"name":"';

/**
 * The same text, with a number instead of each run of plain variables at the start of a list. Invalid JSON stays
 * invalid. The object that is parsed from it is only for the engine.
 */
export function omitVariables(json: string): string {
  // A variable that an upstream could set is read by its name.
  return json.replace(PLAIN_VARIABLES, (run) => (run.includes(UPSTREAM_MARK) ? run : String(countOf(run))));
}

function countOf(run: string): number {
  let count = 0;
  for (let at = 0; at >= 0; at = run.indexOf(BETWEEN, at + 1)) count += 1;
  return count;
}

/** How many variables an element of the list `env` stands for; 0 for anything but such a number. */
export function omittedCount(element: unknown): number {
  return typeof element === 'number' && element > 0 ? element : 0;
}
