/** A Secret as texts by key, and its replacement by whoever has read it. */
import { asString, isObject, property, type JsonObject } from '../support/json.ts';
import type { ApiClient } from './api-client.ts';
import { refusedObject } from './refused-object.ts';

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
  const answer = await client.request('GET', `/api/v1/namespaces/${namespace}/secrets/${name}`);
  if (answer.status === 200) return answer.body;
  if (answer.status === 404) return undefined;
  throw refusedObject({ kind: 'Secret', namespace, name }, 'get', answer);
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
  const answer = isObject(before)
    ? await client.request('PUT', `${collection}/${name}`, { ...before, data }, undefined, signal)
    : await client.request('POST', collection, newSecret(name, data), undefined, signal);
  const { status } = answer;
  if (status === 200 || status === 201) return 'written';
  // 404: it was deleted since it was read; 409: it was changed, or created.
  if (status === 404 || status === 409) return 'conflict';
  const verb = isObject(before) ? 'update' : 'create';
  throw refusedObject({ kind: 'Secret', namespace, name }, verb, answer);
}

function newSecret(name: string, data: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name }, data };
}

function decoded(value: unknown): string {
  return Buffer.from(asString(value) ?? '', 'base64').toString();
}
