/** The version of the API server, read once at the start of a process inside a cluster. */
import { TandemError } from '../support/errors.ts';
import { property } from '../support/json.ts';
import { parseWholeNumber } from '../support/text.ts';
import { apiClient } from './api-client.ts';
import { inClusterAccess, type InCluster } from './in-cluster.ts';

export type ServerVersion = { readonly major: number; readonly minor: number };

// An API server that takes longer is unwell, and the pod is waiting to become ready.
const TIMEOUT = 3000;

/**
 * `GET /version`.
 *
 * @param timeout milliseconds for the whole answer
 * @throws TandemError TANDEM_KUBERNETES_UNREACHABLE when there is no answer; with other codes when another attempt is useless:
 *   TANDEM_FILE_UNREADABLE without a ServiceAccount
 */
export async function readServerVersion(cluster: InCluster, timeout = TIMEOUT): Promise<ServerVersion> {
  const client = apiClient(await inClusterAccess(cluster), timeout);
  try {
    const { status, body } = await client.request('GET', '/version');
    if (status === 200) return versionOf(body);
    // An API server that starts, or has too much to do, says so.
    const isForNow = status >= 500 || status === 429;
    throw new TandemError(
      isForNow ? 'TANDEM_KUBERNETES_UNREACHABLE' : 'TANDEM_KUBERNETES_REFUSED',
      `cannot read the version of the API server: status ${status}`,
    );
  } catch (error) {
    const isOfFile = error instanceof TandemError && property(error.cause, 'syscall') === 'open';
    throw isOfFile ? new TandemError('TANDEM_FILE_UNREADABLE', error.message, error.cause) : error;
  } finally {
    client.close();
  }
}

/**
 * `{"major":"1","minor":"34+"}`: some providers append a `+`.
 *
 * @throws TandemError TANDEM_KUBERNETES_GARBLED
 */
export function versionOf(version: unknown): ServerVersion {
  const read = (key: string): number =>
    parseWholeNumber(String(property(version, key)).replace(/\D.*$/, '')) ?? NaN;
  const [major, minor] = [read('major'), read('minor')];
  if (Number.isNaN(major) || Number.isNaN(minor))
    throw new TandemError('TANDEM_KUBERNETES_GARBLED', 'the answer has no version');
  return { major, minor };
}
