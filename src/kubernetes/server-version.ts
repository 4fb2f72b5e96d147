/** The version of the API server, read once at the start of a process inside a cluster. */
import { readFile } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { reasonOf, TandemError, type ErrorCode } from '../support/errors.ts';
import { parseWholeNumber } from '../support/text.ts';
import { property } from '../support/json.ts';

export type ServerVersion = { readonly major: number; readonly minor: number };

export type InCluster = {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, which every container has. */
  readonly host: string;
  readonly port: string;
  /** Folder of the service account, with ca.crt and token. */
  readonly serviceAccount: string;
};

// An API server that takes longer is not well, and the pod is waiting for its readiness.
const TIMEOUT = 3000;

/**
 * `GET /version`.
 *
 * @param timeout milliseconds for the whole answer
 * @throws TandemError TANDEM_KUBERNETES_UNREACHABLE when there is no answer; with other codes when another attempt is of no use
 */
export async function readServerVersion(
  { host, port, serviceAccount }: InCluster,
  timeout = TIMEOUT,
): Promise<ServerVersion> {
  const signal = AbortSignal.timeout(timeout);
  try {
    const [ca = '', token = ''] = await Promise.all(
      ['ca.crt', 'token'].map((name) => readFile(`${serviceAccount}/${name}`, 'utf8')),
    );
    const headers = { authorization: `Bearer ${token.trim()}` };
    const answer = await get({ host, port, path: '/version', ca, headers, signal });
    return versionOf(JSON.parse(answer));
  } catch (cause) {
    const reason = signal.aborted ? `no answer within ${timeout} ms` : reasonOf(cause);
    throw new TandemError(codeOf(cause), `cannot read the version of the API server: ${reason}`, cause);
  }
}

function codeOf(cause: unknown): ErrorCode {
  if (cause instanceof TandemError) return cause.code;
  if (cause instanceof SyntaxError) return 'TANDEM_KUBERNETES_GARBLED';
  return property(cause, 'syscall') === 'open' ? 'TANDEM_FILE_UNREADABLE' : 'TANDEM_KUBERNETES_UNREACHABLE';
}

function get(options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(body) : reject(refusal(response.statusCode ?? 0)),
      );
    });
    call.on('error', reject);
    call.end();
  });
}

/** An API server that starts, or has too much to do, says so. */
function refusal(status: number): Error {
  const isForNow = status >= 500 || status === 429;
  return isForNow
    ? new Error(`status ${status}`)
    : new TandemError('TANDEM_KUBERNETES_REFUSED', `status ${status}`);
}

/**
 * `{"major":"1","minor":"34+"}`: some providers put a `+` behind.
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
