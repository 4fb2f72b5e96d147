/** Lines for people. */
import type { Writable } from 'node:stream';
import { terminalLine } from '../support/text.ts';

/** One line: a terminal shows whatever is in it, and obeys none of it. */
export function tell(stream: Writable, line: string): void {
  stream.write(terminalLine(line));
}
