/** A client inside of the cluster: a pod that asks what a test tells it to, through its sidecar where it has one. */
import { property } from '../../../src/support/json.ts';
import { appPod, createPod } from './app-pod.ts';
import type { Cluster } from './cluster.ts';

export type Relay = {
  readonly name: string;
  /** The body of the URL's answer; rejects when there is none, or one without status 200. */
  readonly get: (url: string) => Promise<string>;
  /** What comes back for this text over a connection of its own; rejects when the connection is refused, reset or silent. */
  readonly exchange: (place: string, send: string) => Promise<string>;
};

/** The relay app in a namespace that has the apps; it has to become Ready before it is asked. */
export async function createRelay(
  cluster: Cluster,
  namespace: string,
  name: string,
  annotations?: Readonly<Record<string, string>>,
  serviceAccountName?: string,
): Promise<Relay> {
  const labels = { app: name };
  // The API server asks it at its own port, which a transparent pod refuses.
  const options = {
    ...(annotations === undefined ? {} : { annotations: { 'transparent-proxy': 'false', ...annotations } }),
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
  };
  await createPod(
    cluster,
    namespace,
    appPod(cluster, name, { app: 'relay.ts', port: 8080, labels, ...options }),
  );
  const ask = async (query: Readonly<Record<string, string>>): Promise<object> => {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}:8080/proxy/?${new URLSearchParams(query).toString()}`;
    const answer = await cluster.api.expect('GET', path);
    const error = property(answer, 'error');
    if (error !== undefined)
      throw new Error(`${name}, asked for ${JSON.stringify(query)}: ${JSON.stringify(error)}`);
    return answer;
  };
  return {
    name,
    get: async (url) => {
      const answer = await ask({ get: url });
      const body = String(property(answer, 'body'));
      if (property(answer, 'status') !== 200) throw new Error(`${url}: ${JSON.stringify(answer)}`);
      return body;
    },
    exchange: async (place, send) => String(property(await ask({ connect: place, send }), 'received')),
  };
}
