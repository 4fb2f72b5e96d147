/** What goes back over HTTP. */

export type Reply =
  /** With the headers of a read of the catalog. */
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'json'; readonly status: number; readonly value: unknown }
  | { readonly kind: 'text'; readonly status: number; readonly text: string };

export function readOf(value: unknown): Reply {
  return { kind: 'read', value };
}

export function json(value: unknown, status = 200): Reply {
  return { kind: 'json', status, value };
}

export function failure(status: number, text: string): Reply {
  return { kind: 'text', status, text };
}
