/** Whether the registrar registers a pod in Consul, and why not. */
import type { AskedNode } from '../../inject/injected-pod.ts';
import { addressOfNode, isOfAccount, type MeshCluster } from './mesh-cluster.ts';
import { servicesOf, type InjectedPod } from './registered-pod.ts';

/** The closed vocabulary: what `/status` says of a pod, and the reason of the Event where somebody should fix something. */
export const podReasons = {
  registered: 'dataplane mode: the registrar keeps the pod in the catalog',
  'agent-mode': 'agent mode: the pod registers itself, and the registrar removes what outlives it',
  'by-consul-k8s': 'consul-k8s injected the pod, and registers it',
  'not-injected': 'the pod claims to be injected, but its containers are not those that Tandem adds',
  'invalid-registration': 'the registration in the spec of the pod is damaged, or belongs to another pod',
  'other-service-account': 'the pod logs in to Consul as its ServiceAccount, which may not be this service',
  'other-owner': 'the sidecar looks for its registration on the node of another owner',
  'not-scheduled': 'the pod has no node yet, or the address of its node is not known',
  'invalid-address': 'the address of the pod, or of its node, is not an IP address',
  finished: 'the pod has ended: completed, failed or evicted',
  lost: 'the node of the pod does not answer',
  'id-taken': 'Consul has an instance under this id that belongs to somebody else; it is not touched',
} as const;

export type PodReason = keyof typeof podReasons;

/**
 * | pod | answer |
 * | --- | --- |
 * | of consul-k8s | by-consul-k8s |
 * | without the containers of the webhook | not-injected |
 * | finished | finished |
 * | its node lost | lost |
 * | it, or its node, has something else than an IP address | invalid-address |
 * | its registration damaged, or of another pod | invalid-registration |
 * | its service not that of its ServiceAccount | other-service-account |
 * | agent mode | agent-mode |
 * | its sidecar asks on a node of another owner | other-owner |
 * | no node, or one whose address nobody knows yet | not-scheduled |
 * | otherwise, also before it has an address, and while it terminates | registered |
 */
export function decidePod(pod: InjectedPod, cluster: MeshCluster): PodReason {
  const { injection, stage } = pod;
  if (injection.kind === 'by-consul-k8s') return 'by-consul-k8s';
  if (injection.kind === 'none') return 'not-injected';
  if (stage === 'finished' || stage === 'lost') return stage;
  if (refusedAddressOf(pod, cluster) !== undefined) return 'invalid-address';
  if (!injection.mesh.ok) return 'invalid-registration';
  if (strangerOf(pod, cluster) !== undefined) return 'other-service-account';
  if (injection.kind === 'agent') return 'agent-mode';
  if (!asksHere(injection.asksOn, cluster.owner)) return 'other-owner';
  return addressOfNode(pod, cluster) === undefined ? 'not-scheduled' : 'registered';
}

/** The name of the first of its services as which it may not log in. */
function strangerOf(pod: InjectedPod, cluster: MeshCluster): string | undefined {
  const names = servicesOf(pod).map(({ service }) => service.name);
  return names.find((name) => !isOfAccount(pod, name, cluster));
}

function asksHere(asked: AskedNode, owner: string): boolean {
  return asked.kind === 'legacy' || (asked.kind === 'of-owner' && asked.owner === owner);
}

function refusedAddressOf(pod: InjectedPod, cluster: MeshCluster): string | undefined {
  if (pod.refusedAddress !== undefined || addressOfNode(pod, cluster) !== undefined)
    return pod.refusedAddress;
  const node = pod.node === undefined ? undefined : cluster.node(pod.node);
  return node?.refusedAddress && `${node.refusedAddress} on node ${node.name}`;
}

/** What somebody has to fix, and how; undefined when there is nothing. */
export function problemOf(pod: InjectedPod, reason: PodReason, cluster: MeshCluster): string | undefined {
  const { owner } = cluster;
  const { injection } = pod;
  if (reason === 'invalid-address')
    return `${refusedAddressOf(pod, cluster)}; it is not used until the kubelet or the cloud provider corrects it`;
  if (reason === 'not-injected')
    return 'remove the label consul.hashicorp.com/connect-inject-status, or recreate the pod so that the webhook injects it';
  if (reason === 'other-owner')
    return `give the webhook and the sync the same --owner, which is ${JSON.stringify(owner)} here, and recreate the pod`;
  if (reason === 'other-service-account') return accountProblem(pod, cluster);
  if (reason !== 'invalid-registration' || !('mesh' in injection) || injection.mesh.ok) return undefined;
  const wrong = injection.mesh.problems.map(({ at, message }) => `${at} ${message}`);
  return `${wrong.join('; ')}; recreate the pod`;
}

function accountProblem(pod: InjectedPod, cluster: MeshCluster): string {
  const [service, account] = [strangerOf(pod, cluster), pod.serviceAccount].map((each) =>
    JSON.stringify(each),
  );
  if (servicesOf(pod).length > 1)
    return `the service ${service} is not the ServiceAccount of the pod, ${account}, and there is no ServiceAccount ${service} in its namespace: create one, with a Secret of the same name and of type kubernetes.io/service-account-token`;
  return `the service is ${service} and the ServiceAccount ${account}: name the service after the ServiceAccount, give the pod a ServiceAccount with the name of the service, or annotate its ServiceAccount with consul.hashicorp.com/service-name: ${service}`;
}
