/** `caBundle` of every entry of a webhook configuration: read, and patched where it differs. */
import { elementsAt, property, textAt } from '../support/json.ts';
import type { ApiClient } from './api-client.ts';
import { requestRefused } from './refused-object.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
export const MUTATING = `${GROUP}/mutatingwebhookconfigurations`;
export const VALIDATING = `${GROUP}/validatingwebhookconfigurations`;

/** The bundles as PEM, in the order of the entries; empty when the object is none. */
export function caBundles(configuration: unknown): readonly string[] {
  return elementsAt(configuration, 'webhooks').map((webhook) => {
    const bundle = textAt(property(webhook, 'clientConfig'), 'caBundle');
    return Buffer.from(bundle, 'base64').toString();
  });
}

/**
 * When any bundle was last written, as the API server says: milliseconds since the epoch, the end of the second that it names;
 * undefined when it does not say. An entry of `managedFields` gets a new time with each change of a value that it owns.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function bundlesWrittenAt(configuration: unknown): number | undefined {
  const times = elementsAt(property(configuration, 'metadata'), 'managedFields')
    .filter((manager) => JSON.stringify(property(manager, 'fieldsV1') ?? {}).includes('"f:caBundle"'))
    .map((manager) => Date.parse(textAt(manager, 'time')) + 1000)
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : Math.max(...times);
}

/**
 * Writes to the version that was read, or not at all: entries can move, and somebody else may have written.
 * https://www.rfc-editor.org/rfc/rfc6902#section-4.6
 *
 * @param collection path of the collection
 * @param before as it was read
 * @param bundle PEM
 * @throws TandemError TANDEM_KUBERNETES_…
 */
export async function publishBundle(
  client: Pick<ApiClient, 'request'>,
  collection: typeof MUTATING | typeof VALIDATING,
  before: unknown,
  bundle: string,
  signal?: AbortSignal,
): Promise<'written' | 'conflict'> {
  const metadata = property(before, 'metadata');
  const name = textAt(metadata, 'name');
  const value = Buffer.from(bundle).toString('base64');
  const differing = caBundles(before).flatMap((found, index) => (found === bundle ? [] : [index]));
  const patch = [
    { op: 'test', path: '/metadata/resourceVersion', value: property(metadata, 'resourceVersion') },
    ...differing.map((index) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value })),
  ];
  const path = `${collection}/${name}`;
  const answer = await client.request('PATCH', path, patch, signal);
  const { status, body } = answer;
  if (status === 200) return 'written';
  // 404: deleted since; 409: changed since; kube-apiserver answers a failed test with a 422 that names no object.
  if (status === 404 || status === 409 || (status === 422 && !namesObject(body))) return 'conflict';
  throw requestRefused(`caBundle of the webhook configuration ${name} cannot be patched`, answer);
}

/** The Status of a refused object has its name; that of a patch that cannot be applied does not. */
function namesObject(status: unknown): boolean {
  return property(property(status, 'details'), 'name') !== undefined;
}
