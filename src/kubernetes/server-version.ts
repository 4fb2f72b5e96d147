/** The version of the API server, read once at the start of a process inside a cluster. */
import { readFile } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { TandemError } from '../support/errors.ts';
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
 * @throws TandemError TANDEM_KUBERNETES_UNREACHABLE
 */
export async function readServerVersion(
  { host, port, serviceAccount }: InCluster,
  timeout = TIMEOUT,
): Promise<ServerVersion> {
  const signal = AbortSignal.timeout(timeout);
  try {
    const [ca, token] = await Promise.all(
      ['ca.crt', 'token'].map((name) => readFile(`${serviceAccount}/${name}`, 'utf8')),
    );
    const headers = { authorization: `Bearer ${token?.trim()}` };
    return versionOf(
      JSON.parse(
        await get({ host, port, path: '/version', ...(ca === undefined ? {} : { ca }), headers, signal }),
      ),
    );
  } catch (cause) {
    const reason = signal.aborted ? `no answer within ${timeout} ms` : messageOf(cause);
    throw new TandemError(
      'TANDEM_KUBERNETES_UNREACHABLE',
      `cannot read the version of the API server: ${reason}`,
      cause,
    );
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'unknown reason';
}

function get(options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(body) : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    call.on('error', reject);
    call.end();
  });
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
