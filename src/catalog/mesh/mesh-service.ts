/** Which Consul service a pod is: what was decided at its admission, or the Kubernetes Service that selects it. */
import type { MeshOptions } from '../../inject/read-registration.ts';
import { isReservedName } from '../../model/consul-names.ts';
import { isIpAddress } from '../../support/ip-address.ts';
import { asString, elementsAt, property, textAt, textPairs } from '../../support/json.ts';
import { parseBoolean } from '../../support/text.ts';
import { SERVICE_IGNORE_LABEL } from '../../model/kubernetes-names.ts';
import { byText } from '../../model/instance.ts';
import {
  isBoundToAccount,
  type MeshCluster,
  type MeshService,
  type MeshServicePort,
} from './mesh-cluster.ts';
import { meshOf, type InjectedPod } from './registered-pod.ts';

/** The closed vocabulary of what decided a name. */
export const nameReasons = {
  annotation: 'the annotation connect-service',
  'service-account': 'the ServiceAccount of the pod',
  container: 'the first container of the pod',
  'kubernetes-service': 'the Kubernetes Service that selects the pod',
} as const;

type NameReason = keyof typeof nameReasons;

export type MeshServiceName = { readonly name: string; readonly reason: NameReason };

/**
 * The ids of a pod keep the name of its admission; an instance that gets another one is renamed under its id.
 *
 * | pod in dataplane mode, called after its container | name |
 * | --- | --- |
 * | its author chose a Service, which selects it | that Service |
 * | its author chose one that does not | the container |
 * | Services select it | the one that is called like the container; else one that leads to the registered port; else the oldest; else by name |
 * | none does | the container |
 *
 * @returns undefined for a pod that says nothing that can be registered
 */
export function serviceNameOf(pod: InjectedPod, cluster: MeshCluster): MeshServiceName | undefined {
  const mesh = meshOf(pod);
  if (mesh === undefined) return undefined;
  const admitted = { name: mesh.service.name, reason: mesh.nameSource };
  const services = cluster.services(pod);
  // A pod that logs in may be the service of its ServiceAccount alone.
  const isOpen =
    !isBoundToAccount(pod, cluster) && pod.injection.kind === 'dataplane' && mesh.nameSource === 'container';
  if (services === undefined || !isOpen) return admitted;
  const { kubernetesService: chosen } = mesh;
  const candidates = services.filter(
    (each) =>
      (chosen === undefined || each.name === chosen) && selects(each, pod) && !isReservedName(each.name),
  );
  const first = bestOf(candidates, rankOf(pod, mesh));
  return first === undefined ? admitted : { name: first.name, reason: 'kubernetes-service' };
}

/** Source: Kubernetes, "Labels and Selectors": every pair of the selector is a label of the pod. */
export function selects({ namespace, selector }: MeshService, pod: InjectedPod): boolean {
  return namespace === pod.namespace && [...selector].every(([key, value]) => pod.labels.get(key) === value);
}

/** Called again and again for each pod, and somebody may create thousands of Services, so each is ranked once. */
function bestOf(
  candidates: readonly MeshService[],
  rank: (each: MeshService) => string,
): MeshService | undefined {
  let best: { readonly service: MeshService; readonly rank: string } | undefined;
  for (const service of candidates) {
    const its = rank(service);
    if (best === undefined || byText(its, best.rank) < 0) best = { service, rank: its };
  }
  return best?.service;
}

/** A text that sorts the better Service first; a name and a time of RFC 3339 have no space. */
function rankOf(pod: InjectedPod, { service }: MeshOptions): (each: MeshService) => string {
  const leads = leadsTo(pod, service.port);
  return ({ name, created, ports }) =>
    `${name === service.name ? 0 : 1} ${ports.some(leads) ? 0 : 1} ${created} ${name}`;
}

/** Whether a port of a Service leads to this port of the pod. */
export function leadsTo(
  pod: InjectedPod,
  registered: number | undefined,
): (port: MeshServicePort) => boolean {
  return ({ target }) =>
    registered !== undefined && (typeof target === 'string' ? pod.ports.get(target) : target) === registered;
}

/**
 * Undefined for a Service that does not matter to the mesh: it selects no pods (without a selector, or an alias of another host), or its
 * author says so by a label. Of several Services of a pod, consul-k8s registers it by the one without that label
 * (endpoints_controller.go, isLabeledIgnore).
 */
export function readMeshService(raw: unknown): MeshService | undefined {
  const metadata = property(raw, 'metadata');
  const namespace = asString(property(metadata, 'namespace'));
  const name = asString(property(metadata, 'name'));
  const spec = property(raw, 'spec');
  const pairs = textPairs(property(spec, 'selector'));
  if (namespace === undefined || name === undefined || pairs.length === 0) return undefined;
  if (property(spec, 'type') === 'ExternalName') return undefined;
  const ignored = textAt(property(metadata, 'labels'), SERVICE_IGNORE_LABEL);
  if (parseBoolean(ignored) === true) return undefined;
  return {
    namespace,
    name,
    created: textAt(metadata, 'creationTimestamp'),
    selector: new Map(pairs),
    address: clusterAddressOf(spec),
    ports: elementsAt(spec, 'ports').flatMap(portOf),
  };
}

/** Not `None`, as headless Services have it. */
function clusterAddressOf(spec: unknown): string | undefined {
  const all = property(spec, 'clusterIPs');
  const address = asString(Array.isArray(all) ? all[0] : property(spec, 'clusterIP')) ?? '';
  return isIpAddress(address) ? address : undefined;
}

/** Kubernetes fills in the number of the port where no target is given, and TCP. */
function portOf(raw: unknown): MeshServicePort[] {
  if ((property(raw, 'protocol') ?? 'TCP') !== 'TCP') return [];
  const port = property(raw, 'port');
  const target = property(raw, 'targetPort') ?? port;
  if (typeof port !== 'number') return [];
  return typeof target === 'number' || typeof target === 'string' ? [{ port, target }] : [];
}
