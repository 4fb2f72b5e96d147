/** A whole list, page by page. */
import { TandemError } from '../support/errors.ts';
import { asString, property, textAt } from '../support/json.ts';
import type { ApiClient } from './api-client.ts';
import { resourceEntry, type ReadObject, type ResourceEntry } from './resource-entry.ts';
import { failureOf, type WatchFailure } from './watch-failure.ts';

type ListResult<T> =
  | { readonly kind: 'listed'; readonly entries: readonly ResourceEntry<T>[]; readonly version: string }
  | { readonly kind: 'failed'; readonly failure: WatchFailure };

/** The API of a collection: `/api/v1/services`, with selectors as a query. */
export type Collection = { readonly path: string; readonly query: Readonly<Record<string, string>> };

/**
 * A page is held as text and as objects at once, a few times its text. People's content makes an object
 * anything from 1 KiB to 1.5 MiB (the longest request that etcd takes), or 300,000 empty elements, so the number of objects in a page
 * follows from the pages before: about 4 Mi for a page, as an answer weighs, and at most 500 objects as in client-go. A page
 * above 16 Mi is requested again, smaller.
 */
const PAGE = { first: 16, most: 500, growth: 4, weight: 4 * 1024 * 1024, heaviest: 16 * 1024 * 1024 };

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
  let limit = PAGE.first;
  for (;;) {
    const query = { ...collection.query, limit: String(limit), ...(token && { continue: token }) };
    const path = pathOf(collection.path, query);
    // A single object has to be accepted as it is.
    const heaviest = limit === 1 ? undefined : PAGE.heaviest;
    const answer = await client.request('GET', path, undefined, signal, heaviest);
    if (answer.status !== 200) return { kind: 'failed', failure: failureOf(answer, collection.path) };
    if (heaviest !== undefined && answer.weight > heaviest) {
      limit = Math.max(1, Math.floor((limit * PAGE.weight) / answer.weight));
      continue;
    }
    const page = pageOf(answer.body, collection.path);
    for (const item of page.items) entries.push(resourceEntry(item, read));
    if (page.token === '') return { kind: 'listed', entries, version: page.version };
    if (page.token === token) throw garbledList(collection.path, 'the answer continues with itself');
    token = page.token;
    limit = nextLimit(limit, page.items.length, answer.weight);
  }
}

/**
 * The objects of a whole list that `read` takes.
 *
 * @throws TandemError TANDEM_KUBERNETES_…
 */
export async function listValues<T>(
  client: Pick<ApiClient, 'request'>,
  collection: Collection,
  read: ReadObject<T>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const listed = await listPages(client, collection, read, signal);
  if (listed.kind === 'listed')
    return listed.entries.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const changed = `GET ${collection.path}: the list changed meanwhile`;
  throw listed.failure.error ?? new TandemError('TANDEM_KUBERNETES_REFUSED', changed);
}

function nextLimit(limit: number, items: number, weight: number): number {
  const fitting = Math.floor((PAGE.weight * Math.max(1, items)) / weight);
  return Math.max(1, Math.min(fitting, limit * PAGE.growth, PAGE.most));
}

export function pathOf(path: string, query: Readonly<Record<string, string>>): string {
  return `${path}?${new URLSearchParams(query).toString()}`;
}

type Page = { readonly items: readonly unknown[]; readonly version: string; readonly token: string };

/** Strict: an answer that only looks like an empty list would remove everything. */
function pageOf(body: unknown, path: string): Page {
  const items = property(body, 'items');
  const metadata = property(body, 'metadata');
  const version = asString(property(metadata, 'resourceVersion'));
  if (!Array.isArray(items) || !version) throw garbledList(path, 'the answer is not a list');
  return { items, version, token: textAt(metadata, 'continue') };
}

function garbledList(path: string, what: string): TandemError {
  return new TandemError('TANDEM_KUBERNETES_GARBLED', `GET ${path}: ${what}`);
}
