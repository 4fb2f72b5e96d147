/** The owner of this cluster in Consul, when no flag names it. */
import type { ApiClient } from '../kubernetes/api-client.ts';
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';

/**
 * The first 8 hexadecimal digits of the UID of the kube-system namespace: it stays as long as the cluster does.
 *
 * @throws TandemError TANDEM_KUBERNETES_…
 */
export async function clusterOwner(client: Pick<ApiClient, 'request'>, signal: AbortSignal): Promise<string> {
  return (await clusterUid(client, '; allow that, or set --owner', signal)).slice(0, 8);
}

/**
 * The whole UID: no two clusters have the same.
 *
 * @param cure what ends the sentence of an error
 * @throws TandemError TANDEM_KUBERNETES_…
 */
export async function clusterUid(
  client: Pick<ApiClient, 'request'>,
  cure: string,
  signal: AbortSignal,
): Promise<string> {
  const path = '/api/v1/namespaces/kube-system';
  const { status, body } = await client.request('GET', path, undefined, signal);
  const uid = asString(property(property(body, 'metadata'), 'uid'));
  if (status === 200 && uid !== undefined && /^[0-9a-f]{8}[0-9a-f-]*$/.test(uid)) return uid;
  const why = asString(property(body, 'message')) ?? 'the answer has no UID';
  throw new TandemError(
    'TANDEM_KUBERNETES_REFUSED',
    `cannot read the namespace kube-system, whose UID tells clusters apart (status ${status}: ${why})${cure}`,
  );
}
