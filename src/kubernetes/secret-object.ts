/** A Secret as texts by key, and its replacement by whoever has read it. */
import { TandemError } from '../support/errors.ts';
import { asString, isObject, property, type JsonObject } from '../support/json.ts';
import type { ApiClient } from './api-client.ts';

export type SecretPlace = { readonly namespace: string; readonly name: string };

/** Undefined when the object is none. */
export function secretTexts(object: unknown): Readonly<Record<string, string>> | undefined {
  if (!isObject(object)) return undefined;
  const data = property(object, 'data');
  const entries = Object.entries(isObject(data) ? data : {});
  return Object.fromEntries(entries.map(([key, value]) => [key, decoded(value)]));
}

/**
 * The object, or undefined when it is not there.
 *
 * @throws TandemError TANDEM_KUBERNETES_…
 */
export async function readSecret(
  client: Pick<ApiClient, 'request'>,
  { namespace, name }: SecretPlace,
): Promise<unknown> {
  const { status, body } = await client.request('GET', `/api/v1/namespaces/${namespace}/secrets/${name}`);
  if (status === 200) return body;
  if (status === 404) return undefined;
  throw refusal('read', { namespace, name }, status, body);
}

/**
 * Creates the Secret, or replaces the texts of the version that was read; what others wrote beside them stays.
 *
 * @param before as it was read; undefined creates it
 * @throws TandemError TANDEM_KUBERNETES_…; never with anything of the content
 */
export async function writeSecret(
  client: Pick<ApiClient, 'request'>,
  { namespace, name }: SecretPlace,
  before: unknown,
  texts: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<'written' | 'conflict'> {
  const collection = `/api/v1/namespaces/${namespace}/secrets`;
  const encoded = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const data = { ...(property(before, 'data') as JsonObject | undefined), ...Object.fromEntries(encoded) };
  const { status, body } = isObject(before)
    ? await client.request('PUT', `${collection}/${name}`, { ...before, data }, undefined, signal)
    : await client.request('POST', collection, newSecret(name, data), undefined, signal);
  if (status === 200 || status === 201) return 'written';
  // 404: it was deleted since it was read; 409: it was changed, or created.
  if (status === 404 || status === 409) return 'conflict';
  throw refusal('written', { namespace, name }, status, body);
}

/** The message of the API server may quote what it refuses; its reason is one word. */
function refusal(verb: string, { namespace, name }: SecretPlace, status: number, body: unknown): TandemError {
  const reason = asString(property(body, 'reason')) ?? 'no reason';
  const text = `the Secret ${namespace}/${name} cannot be ${verb}: status ${status}, ${reason}`;
  return new TandemError('TANDEM_KUBERNETES_REFUSED', text);
}

function newSecret(name: string, data: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name }, data };
}

function decoded(value: unknown): string {
  return Buffer.from(asString(value) ?? '', 'base64').toString();
}
