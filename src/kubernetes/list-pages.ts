/** A whole list, page by page. */
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';
import type { ApiClient } from './api-client.ts';
import { resourceEntry, type ReadObject, type ResourceEntry } from './resource-entry.ts';
import { failureOf, type WatchFailure } from './watch-failure.ts';

export type ListResult<T> =
  | { readonly kind: 'listed'; readonly entries: readonly ResourceEntry<T>[]; readonly version: string }
  | { readonly kind: 'failed'; readonly failure: WatchFailure };

/** The API of a collection: `/api/v1/services`, with selectors as a query. */
export type Collection = { readonly path: string; readonly query: Readonly<Record<string, string>> };

// As client-go: enough for most clusters in one answer, and a page of large pods stays far below 100 MB of text.
export const PAGE_SIZE = 500;

/**
 * All pages are of one version: that of the newest data when the list began, because no resourceVersion is asked for. A 410
 * between the pages fails the list as a whole: the snapshot that the pages belong to is gone.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 *
 * @throws TandemError as ApiClient.request, and TANDEM_KUBERNETES_GARBLED when an answer is no list
 */
export async function listPages<T>(
  client: Pick<ApiClient, 'request'>,
  collection: Collection,
  read: ReadObject<T>,
  signal: AbortSignal,
): Promise<ListResult<T>> {
  const entries: ResourceEntry<T>[] = [];
  let token = '';
  for (;;) {
    const query = { ...collection.query, limit: String(PAGE_SIZE), ...(token && { continue: token }) };
    const path = pathOf(collection.path, query);
    const answer = await client.request('GET', path, undefined, undefined, signal);
    if (answer.status !== 200) return { kind: 'failed', failure: failureOf(answer, collection.path) };
    const page = pageOf(answer.body, collection.path);
    for (const item of page.items) entries.push(resourceEntry(item, read));
    if (page.token === '') return { kind: 'listed', entries, version: page.version };
    token = page.token;
  }
}

export function pathOf(path: string, query: Readonly<Record<string, string>>): string {
  return `${path}?${new URLSearchParams(query).toString()}`;
}

type Page = { readonly items: readonly unknown[]; readonly version: string; readonly token: string };

/** Strict: an answer that only looks like an empty list would take everything away. */
function pageOf(body: unknown, path: string): Page {
  const items = property(body, 'items');
  const metadata = property(body, 'metadata');
  const version = asString(property(metadata, 'resourceVersion'));
  if (!Array.isArray(items) || !version)
    throw new TandemError('TANDEM_KUBERNETES_GARBLED', `GET ${path}: the answer is no list`);
  return { items, version, token: asString(property(metadata, 'continue')) ?? '' };
}
