/** What the registration of a pod depends on beside the pod itself. */
import { ANNOTATION_PREFIX } from '../../model/kubernetes-names.ts';
import { asString, elementsAt, filledAt, property, textAt } from '../../support/json.ts';
import { isIpAddress } from '../../support/ip-address.ts';
import { firstAddress, servicesOf, type InjectedPod } from './registered-pod.ts';

/** A node of Kubernetes. */
export type MeshNode = {
  readonly name: string;
  /** The first IP address of type InternalIP. */
  readonly address: string | undefined;
  /** All that a pod on it can have as `hostIP`: a kubelet takes an InternalIP, else an ExternalIP, and one of two families. */
  readonly hostIps?: readonly string[];
  /** A value that is no IP address, and where it is. */
  readonly refusedAddress?: string | undefined;
  /** The range of its pods' addresses; the first of two. */
  readonly podCidr: string | undefined;
};

/** A Service of Kubernetes that selects pods. */
export type MeshService = {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339, UTC: texts in the order of time. */
  readonly created: string;
  readonly selector: ReadonlyMap<string, string>;
  /** The first one of two; undefined for a headless Service. */
  readonly address?: string | undefined;
  /** TCP: the mesh carries nothing else. */
  readonly ports: readonly MeshServicePort[];
};

/** `target` is the number or the name of a container port. */
export type MeshServicePort = { readonly port: number; readonly target: number | string };

export type MeshCluster = {
  /** Who the cluster is for Consul. */
  readonly owner: string;
  /** Undefined for one that is not known, or not yet. */
  readonly node: (name: string) => MeshNode | undefined;
  /** Services of the pod's namespace, all that select it among them; undefined when names do not follow them. */
  readonly services: (pod: Pick<InjectedPod, 'namespace' | 'labels'>) => readonly MeshService[] | undefined;
  /** The same for their cluster addresses; undefined while they are not known. */
  readonly selecting: MeshCluster['services'];
  /** The one Consul service that may have this cluster address; undefined: none of several that want it. */
  readonly holderOf: (address: string) => string | undefined;
  /**
   * Undefined: pods do not log in to Consul, and may be any service. Else a pod may be the service of its ServiceAccount, and the
   * one that its ServiceAccount names: undefined when it names none, or is not known.
   */
  readonly serviceOfAccount: ((namespace: string, name: string) => string | undefined) | undefined;
  /** A pod that was injected without a login keeps its service name, although others log in. */
  readonly keepsPlainPods: boolean;
  /** Whether there is such a ServiceAccount. */
  readonly isAccount: (namespace: string, name: string) => boolean;
};

export type MeshAccount = {
  readonly namespace: string;
  readonly name: string;
  /** Its annotation `consul.hashicorp.com/service-name`. */
  readonly service: string | undefined;
};

/** Undefined for what has no name and namespace. */
export function readMeshAccount(raw: unknown): MeshAccount | undefined {
  const metadata = property(raw, 'metadata');
  const namespace = asString(property(metadata, 'namespace'));
  const name = asString(property(metadata, 'name'));
  if (namespace === undefined || name === undefined) return undefined;
  const service = asString(property(property(metadata, 'annotations'), SERVICE_NAME_ANNOTATION));
  return { namespace, name, service };
}

const SERVICE_NAME_ANNOTATION = `${ANNOTATION_PREFIX}service-name`;

/** Whether its ServiceAccount decides which service the pod may be. */
export function isBoundToAccount(
  { injection }: InjectedPod,
  { serviceOfAccount, keepsPlainPods }: MeshCluster,
): boolean {
  if (serviceOfAccount === undefined) return false;
  return !keepsPlainPods || ('logsIn' in injection && injection.logsIn);
}

/**
 * Whether the pod logs in as the ServiceAccount of its service. The registrar's own token may write every service, so it would
 * give a pod any identity. If a pod has several services, each logs in as the ServiceAccount of its name in the pod's namespace:
 * anyone who can create the pod could run it as that ServiceAccount anyway.
 */
export function isOfAccount(pod: InjectedPod, service: string, cluster: MeshCluster): boolean {
  if (!isBoundToAccount(pod, cluster)) return true;
  const { serviceOfAccount, isAccount } = cluster;
  const { namespace, serviceAccount } = pod;
  if ([serviceAccount, serviceOfAccount?.(namespace, serviceAccount)].includes(service)) return true;
  return servicesOf(pod).length > 1 && isAccount(namespace, service);
}

/** Undefined for what has no name. */
export function readMeshNode(raw: unknown): MeshNode | undefined {
  const name = asString(property(property(raw, 'metadata'), 'name'));
  if (name === undefined || name === '') return undefined;
  const ofType = (type: string): readonly string[] =>
    elementsAt(property(raw, 'status'), 'addresses')
      .filter((each: unknown) => property(each, 'type') === type)
      .map((each: unknown) => textAt(each, 'address'));
  const internal = ofType('InternalIP');
  return {
    name,
    ...firstAddress('InternalIP', internal),
    hostIps: [...internal, ...ofType('ExternalIP')].filter(isIpAddress),
    podCidr: filledAt(property(raw, 'spec'), 'podCIDR'),
  };
}

/** Of the node on which the pod is: known before the kubelet has told anything of the pod. */
export function addressOfNode({ node, hostIp }: InjectedPod, cluster: MeshCluster): string | undefined {
  return node === undefined ? undefined : (cluster.node(node)?.address ?? hostIp);
}

/** Whether the sidecar of the pod listens on IPv6: by its address, and before it has one by what its node gives to pods. */
export function isIpv6({ podIp, node, hostIp }: InjectedPod, cluster: MeshCluster): boolean {
  const known = node === undefined ? undefined : cluster.node(node);
  return (podIp ?? known?.podCidr ?? known?.address ?? hostIp ?? '').includes(':');
}
