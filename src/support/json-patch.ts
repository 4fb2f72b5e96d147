/** The operations of RFC 6902 that Tandem writes, and the pointers of RFC 6901 that they use. */

export type PatchOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** `pointer('metadata', 'annotations', 'a/b')` is `/metadata/annotations/a~1b` (RFC 6901, section 3). */
export function pointer(...path: readonly (string | number)[]): string {
  let text = '';
  for (const segment of path) text += `/${typeof segment === 'number' ? segment : escapeSegment(segment)}`;
  return text;
}

/** The segments of a pointer, unescaped. `''` has none. */
export function segments(path: string): string[] {
  return path.split('/').slice(1).map(unescapeSegment);
}

function unescapeSegment(segment: string): string {
  return segment.includes('~') ? segment.replaceAll('~1', '/').replaceAll('~0', '~') : segment;
}

function escapeSegment(segment: string): string {
  const escaped = segment.includes('~') ? segment.replaceAll('~', '~0') : segment;
  return escaped.includes('/') ? escaped.replaceAll('/', '~1') : escaped;
}
