/** Objects of a cluster as the tests read them: the fields that they look at, and no others. */
import type { ApiClient, KubernetesObject } from '../../real/harness/api-client.ts';

export type Pod = KubernetesObject & {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};

export type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
};

type Node = KubernetesObject & {
  readonly metadata: { readonly name: string };
  readonly status: { readonly conditions: readonly Condition[] };
};

export type ContainerStatus = {
  readonly name: string;
  readonly restartCount: number;
  /** Its startup probe has passed, or it has none. */
  readonly started?: boolean;
  readonly ready?: boolean;
  readonly state?: {
    readonly running?: { readonly startedAt?: string };
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly terminated?: {
      readonly exitCode: number;
      readonly reason?: string;
      readonly finishedAt?: string;
    };
  };
};

/** A Deployment, StatefulSet or DaemonSet. */
export type Workload = KubernetesObject & {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly spec: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly numberReady?: number;
    readonly updatedNumberScheduled?: number;
  };
};

export type ClusterEvent = KubernetesObject & {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject: { readonly kind?: string; readonly name?: string };
};

/** The items of the list at that path. */
export async function list<T>(api: ApiClient, path: string): Promise<readonly T[]> {
  const { items } = (await api.expect('GET', path)) as unknown as { readonly items: readonly T[] };
  return items;
}

export function podsOf(api: ApiClient, namespace: string, selector = ''): Promise<readonly Pod[]> {
  return list(api, `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`);
}

export function eventsOf(api: ApiClient, namespace: string): Promise<readonly ClusterEvent[]> {
  return list(api, `/api/v1/namespaces/${namespace}/events`);
}

/** Of all kinds, with the kind, which the items of a list do not have. */
export async function workloadsOf(api: ApiClient, namespace: string): Promise<readonly Workload[]> {
  const kinds = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' };
  const found = await Promise.all(
    Object.entries(kinds).map(async ([kind, plural]) => {
      const items = await list<Workload>(api, `/apis/apps/v1/namespaces/${namespace}/${plural}`);
      return items.map((item): Workload => Object.assign(item, { kind }));
    }),
  );
  return found.flat();
}

/** The names of the nodes whose kubelet works. */
export async function readyNodes(api: ApiClient): Promise<readonly string[]> {
  const nodes = await list<Node>(api, '/api/v1/nodes');
  return nodes.filter(({ status }) => status.conditions.some(isTrue)).map(({ metadata }) => metadata.name);
}

export function isReady({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && (status.conditions ?? []).some(isTrue);
}

function isTrue({ type, status }: Condition): boolean {
  return type === 'Ready' && status === 'True';
}

/** Of all its containers, init containers included. */
export function containersOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
}
