/** Writes long outputs piece by piece: it never holds the whole text, and no more than the reader takes. */
import type { Writable } from 'node:stream';
import { escapeJson } from '../support/text.ts';

// What a pipe takes at once (Linux: 64 KiB).
const CHUNK = 64 * 1024;

/** Resolves when all of it is handed over, or the reader has gone. */
export async function writeAll(stream: Writable, texts: Iterable<string>): Promise<void> {
  let chunk = '';
  for (const text of texts) {
    chunk += text;
    if (chunk.length < CHUNK) continue;
    if (!stream.write(chunk)) await takenOrGone(stream);
    if (!stream.writable) return;
    chunk = '';
  }
  stream.write(chunk);
}

/** JSON of an object with an indent of 2, each element of its lists on its own. */
export function* jsonTexts(value: Readonly<Record<string, unknown>>): Generator<string> {
  let opening = '{\n';
  for (const [key, held] of Object.entries(value)) {
    if (held === undefined) continue;
    yield `${opening}  ${jsonOf(key, '')}: `;
    opening = ',\n';
    if (Array.isArray(held) && held.length > 0) yield* elementTexts(held);
    else yield jsonOf(held, '  ');
  }
  yield '\n}\n';
}

function* elementTexts(list: readonly unknown[]): Generator<string> {
  let opening = '[\n';
  for (const element of list) {
    yield `${opening}    ${jsonOf(element, '    ')}`;
    opening = ',\n';
  }
  yield '\n  ]';
}

function jsonOf(value: unknown, indent: string): string {
  return escapeJson(JSON.stringify(value, undefined, 2)).replaceAll('\n', `\n${indent}`);
}

function takenOrGone(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const events = ['drain', 'close', 'error'] as const;
    const done = (): void => {
      for (const event of events) stream.off(event, done);
      resolve();
    };
    if (stream.destroyed) resolve();
    else for (const event of events) stream.on(event, done);
  });
}
