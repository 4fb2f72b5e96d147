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
  return path
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function escapeSegment(segment: string): string {
  if (!segment.includes('/') && !segment.includes('~')) return segment;
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}
