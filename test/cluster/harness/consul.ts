/** Consul's HTTP API through the API server, which reaches the pods of any cluster. */
import type { Cluster } from './cluster.ts';

const UI = '/api/v1/namespaces/tandem/services/tandem-ui:http/proxy';

export type ConsulApi = (method: string, path: string, body?: unknown) => Promise<unknown>;

export function consulApi({ api }: Cluster): ConsulApi {
  return (method, path, body) => api.expect(method, `${UI}${path}`, body);
}

/** `allow` or `deny` for everybody who calls the service; undefined takes the intention back. */
export async function intend(
  consul: ConsulApi,
  destination: string,
  action: 'allow' | 'deny' | undefined,
): Promise<void> {
  if (action === undefined) await consul('DELETE', `/v1/config/service-intentions/${destination}`);
  else
    await consul('PUT', '/v1/config', {
      Kind: 'service-intentions',
      Name: destination,
      Sources: [{ Name: '*', Action: action }],
    });
}
