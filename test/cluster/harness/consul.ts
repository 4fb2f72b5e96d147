/** Consul's HTTP API through the API server, which reaches the pods of any cluster. */
import type { Cluster } from './cluster.ts';

const UI = '/api/v1/namespaces/tandem/services/tandem-ui:http/proxy';

export type ConsulApi = (method: string, path: string, body?: unknown) => Promise<unknown>;

export function consulApi({ api }: Cluster): ConsulApi {
  return (method, path, body) => api.expect(method, `${UI}${path}`, body);
}

/** Who may call the service, as people write it: an object of the namespace, which the sync takes to Consul. */
export async function intend(
  { kubectl }: Cluster,
  namespace: string,
  destination: string,
  action: 'allow' | 'deny',
  sources: readonly string[] = ['*'],
): Promise<void> {
  const object = {
    apiVersion: 'consul.hashicorp.com/v1alpha1',
    kind: 'ServiceIntentions',
    metadata: { name: destination, namespace },
    spec: { destination: { name: destination }, sources: sources.map((name) => ({ name, action })) },
  };
  await kubectl(['apply', '--filename=-'], JSON.stringify(object));
  await kubectl([
    'wait',
    '--for=condition=Synced',
    `serviceintentions/${destination}`,
    `--namespace=${namespace}`,
  ]);
}

export async function withdrawIntention(
  { kubectl }: Cluster,
  namespace: string,
  destination: string,
): Promise<void> {
  await kubectl(['delete', 'serviceintentions', destination, `--namespace=${namespace}`]);
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
