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

/** What keeps requests from their service, in sentences: checks that do not pass, and intentions. */
export async function consulTroubles(consul: ConsulApi): Promise<readonly string[]> {
  const checks = (await consul('GET', '/v1/health/state/any')) as readonly Check[];
  const intentions = (await consul('GET', '/v1/config/service-intentions')) as readonly Intentions[];
  return [
    ...checks
      .filter(({ Status }) => Status !== 'passing')
      .map(({ Node, ServiceID, Name, Status, Output }) => {
        const of = ServiceID === '' ? `node ${Node}` : `${ServiceID} on ${Node}`;
        return `Consul: check "${Name}" of ${of} is ${Status}: ${Output}`.trimEnd();
      }),
    ...intentions.flatMap(({ Name, Sources }) =>
      Sources.map((source) => `Consul: an intention: ${source.Name} to ${Name}: ${source.Action}`),
    ),
  ];
}

type Check = Readonly<Record<'Node' | 'ServiceID' | 'Name' | 'Status' | 'Output', string>>;
type Intentions = {
  readonly Name: string;
  readonly Sources: readonly { readonly Name: string; readonly Action?: string }[];
};
