/** As much of an API server as the sync reads: lists in pages, and watches; for clusters that no machine of a test could hold. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sampleService, sampleSlice } from './sample-services.ts';

export type FakeApiServer = {
  /** JSON of a kubeconfig file. */
  readonly kubeconfig: string;
  /** Tells the watches of EndpointSlices that the first endpoint of this Service is ready, or is not. */
  readonly change: (service: number, isReady: boolean) => void;
  readonly close: () => Promise<void>;
};

type Collection = { readonly kind: string; readonly object: (index: number) => object };

/** @param endpoints of each Service */
export async function startFakeApiServer(services: number, endpoints: number): Promise<FakeApiServer> {
  const watches = new Set<ServerResponse>();
  let version = services;
  const slice = (index: number, isReady = true): object =>
    versioned(sampleSlice(index, isReady, endpoints), index + 1);
  const collections: ReadonlyMap<string, Collection> = new Map([
    [
      '/api/v1/services',
      { kind: 'Service', object: (index: number) => versioned(sampleService(index), index + 1) },
    ],
    ['/apis/discovery.k8s.io/v1/endpointslices', { kind: 'EndpointSlice', object: slice }],
  ]);

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake');
    const collection = collections.get(pathname);
    if (pathname === '/api/v1/namespaces/kube-system')
      return send(response, { metadata: { uid: '0f0f0f0f-0000-4000-8000-000000000000' } });
    if (collection === undefined) return send(response, { kind: 'Status', message: 'not here' }, 404);
    if (searchParams.get('watch') !== 'true')
      return send(response, page(collection, services, version, searchParams));
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (collection.kind !== 'EndpointSlice') return;
    watches.add(response);
    response.once('close', () => watches.delete(response));
  };
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    kubeconfig: kubeconfigOf(url),
    change: (service, isReady) => {
      version += 1;
      const object = versioned(sampleSlice(service, isReady, endpoints), version);
      for (const watch of watches) watch.write(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
    },
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** The continue token is the index of the next object. */
function page({ kind, object }: Collection, count: number, version: number, query: URLSearchParams): object {
  const from = Number(query.get('continue') ?? '0');
  const to = Math.min(count, from + Number(query.get('limit') ?? count));
  return {
    kind: `${kind}List`,
    metadata: { resourceVersion: String(version), ...(to < count ? { continue: String(to) } : {}) },
    items: Array.from({ length: to - from }, (_, index) => object(from + index)),
  };
}

function versioned(object: object, version: number): object {
  const { metadata, ...rest } = object as { readonly metadata: object };
  const more = { namespace: 'default', resourceVersion: String(version), managedFields: MANAGED_FIELDS };
  return { metadata: { ...metadata, ...more }, ...rest };
}

// What a real object carries along, and nobody shall keep: about a kilobyte.
const MANAGED_FIELDS = [
  {
    manager: 'kube-controller-manager',
    operation: 'Update',
    fieldsV1: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f:field-number-${index}`, {}])),
  },
];

function send(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server } }],
    users: [{ name: 'user', user: { token: 'none' } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'user' } }],
    'current-context': 'fake',
  });
}
