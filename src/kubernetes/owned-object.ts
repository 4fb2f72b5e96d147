/** Secrets and ConfigMaps that a process creates and keeps by itself, as texts by key. */
import { MANAGED_BY } from '../model/consul-names.ts';
import { MANAGED_BY_LABEL } from '../model/kubernetes-names.ts';
import { asObject, asString, isObject, property, type JsonObject } from '../support/json.ts';
import type { ApiClient } from './api-client.ts';
import { refused, refusedObject, type RefusedObject } from './refused-object.ts';

type Client = Pick<ApiClient, 'request'>;

export type OwnedPlace = RefusedObject;
export type SecretPlace = Omit<OwnedPlace, 'kind'>;

type WriteOutcome = 'written' | 'conflict';

export function collectionOf({ kind, namespace }: Pick<OwnedPlace, 'kind' | 'namespace'>): string {
  return `/api/v1/namespaces/${namespace}/${kind === 'Secret' ? 'secrets' : 'configmaps'}`;
}

/**
 * The object, or undefined when it does not exist.
 *
 * @throws TandemError TANDEM_KUBERNETES_…
 */
export async function readOwned(client: Client, place: OwnedPlace, signal?: AbortSignal): Promise<unknown> {
  const answer = await client.request('GET', pathOf(place), undefined, signal);
  if (answer.status === 200) return answer.body;
  if (answer.status === 404) return undefined;
  throw refusedObject(place, 'get', answer);
}

/** Undefined when there is no object. */
export function textsOf(
  { kind }: Pick<OwnedPlace, 'kind'>,
  object: unknown,
): Readonly<Record<string, string>> | undefined {
  if (!isObject(object)) return undefined;
  const decoded = (text: string): string =>
    kind === 'Secret' ? Buffer.from(text, 'base64').toString() : text;
  const entries = Object.entries(dataOf(object));
  return Object.fromEntries(entries.map(([key, value]) => [key, decoded(asString(value) ?? '')]));
}

/**
 * Creates the object, or replaces all texts of the version that was read.
 *
 * @param before as it was read; undefined creates it
 * @returns `conflict` when somebody else has written meanwhile
 * @throws TandemError TANDEM_KUBERNETES_…; never with anything of the content
 */
export function writeOwned(
  client: Client,
  place: OwnedPlace,
  before: unknown,
  texts: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<WriteOutcome> {
  const metadata = { name: place.name, labels: { [MANAGED_BY_LABEL]: MANAGED_BY } };
  return write(client, place, before, { metadata, data: encoded(place, texts) }, signal);
}

/** As `writeOwned` for the certificate of a server; what others wrote beside the texts stays. */
export function writeCertificate(
  client: Client,
  { namespace, name }: SecretPlace,
  before: unknown,
  texts: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<WriteOutcome> {
  const place: OwnedPlace = { kind: 'Secret', namespace, name };
  const data = { ...dataOf(before), ...encoded(place, texts) };
  return write(client, place, before, { type: 'kubernetes.io/tls', metadata: { name }, data }, signal);
}

/** @param made the object to create if there is none; of an existing one, only the data is replaced */
async function write(
  client: Client,
  place: OwnedPlace,
  before: unknown,
  made: { readonly metadata: JsonObject; readonly data: JsonObject; readonly type?: string },
  signal: AbortSignal | undefined,
): Promise<WriteOutcome> {
  const created = { apiVersion: 'v1', kind: place.kind, ...made };
  const answer = isObject(before)
    ? await client.request('PUT', pathOf(place), { ...before, data: made.data }, signal)
    : await client.request('POST', collectionOf(place), created, signal);
  const { status } = answer;
  if (status === 200 || status === 201) return 'written';
  // 404: it was deleted since it was read; 409: it was changed, or created.
  if (status === 404 || status === 409) return 'conflict';
  throw refusedObject(place, isObject(before) ? 'update' : 'create', answer);
}

function encoded({ kind }: OwnedPlace, texts: Readonly<Record<string, string>>): JsonObject {
  const entries = Object.entries(texts);
  return Object.fromEntries(
    entries.map(([key, text]) => [key, kind === 'Secret' ? Buffer.from(text).toString('base64') : text]),
  );
}

function dataOf(object: unknown): JsonObject {
  return asObject(property(object, 'data'));
}

/** @throws TandemError TANDEM_KUBERNETES_REFUSED, also when it does not exist */
export async function annotateOwned(
  client: Client,
  place: OwnedPlace,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  const patch = { metadata: { annotations } };
  const answer = await client.request('PATCH', pathOf(place), patch);
  if (answer.status !== 200) throw refusedObject(place, 'patch', answer);
}

/** Deletes only what Tandem made; an object of the same name that somebody else made stays. */
export async function deleteOwned(
  client: Client,
  place: OwnedPlace,
): Promise<'deleted' | 'not-there' | 'not-ours'> {
  const before = await readOwned(client, place);
  if (before === undefined) return 'not-there';
  const labels = property(property(before, 'metadata'), 'labels');
  if (property(labels, MANAGED_BY_LABEL) !== MANAGED_BY) return 'not-ours';
  const answer = await client.request('DELETE', pathOf(place));
  if (answer.status === 404) return 'not-there';
  if (answer.status !== 200 && answer.status !== 202) throw refusedObject(place, 'delete', answer);
  return 'deleted';
}

/**
 * A token of a ServiceAccount, which the API server issues and nobody stores.
 *
 * @param seconds that are asked for; the API server may grant fewer
 */
export async function requestAccountToken(
  client: Client,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  seconds: number,
  signal?: AbortSignal,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: seconds },
  };
  const answer = await client.request('POST', path, request, signal);
  const token = asString(property(property(answer.body, 'status'), 'token'));
  if (answer.status === 201 && token !== undefined) return token;
  const what = `no token for the ServiceAccount ${namespace}/${name}`;
  throw refused(what, 'create serviceaccounts/token', answer);
}

function pathOf(place: OwnedPlace): string {
  return `${collectionOf(place)}/${place.name}`;
}
