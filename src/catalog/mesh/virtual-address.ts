/** Which cluster address leads to a pod in the mesh: that of the Kubernetes Service that selects it. */
import type { VirtualAddress } from '../../model/registration.ts';
import { byText } from '../../model/instance.ts';
import { listed } from '../../support/listed.ts';
import type { MeshCluster, MeshService, MeshServicePort } from './mesh-cluster.ts';
import { leadsTo, selects, serviceNameOf } from './mesh-service.ts';
import { meshOf, metricsPortOf, type InjectedPod } from './registered-pod.ts';

/** The closed vocabulary of where a pod has its address from, and why it has none. */
export const addressReasons = {
  'not-registered': 'the pod is not in Consul',
  'not-redirected': 'the traffic of the pod is not redirected',
  'not-listed': 'the Services of the cluster are not known; the address in Consul stays as it is',
  'no-service': 'no Service selects the pod',
  'no-address': 'no Service that selects the pod has a cluster address and a TCP port',
  service: 'the Service that selects the pod',
  shared:
    'other Consul services are behind the same Service; only the one that has the name of the Service gets its address',
  taken: 'another service in Consul has the address',
  waiting: 'another service of this cluster still has the address, and loses it first',
} as const;

type AddressReason = keyof typeof addressReasons;

/** The closed vocabulary of what chose one Service of several, in the order in which they count. */
export const choiceReasons = {
  annotation: 'which the annotation kubernetes-service names',
  name: 'which has the name of the service in Consul',
  port: 'one port of which leads to the registered port',
  age: 'the oldest of those that select the pod',
  'first-by-name': 'the first by name of those that select the pod',
  only: 'the only one with an address that selects the pod',
} as const;

type ChoiceReason = keyof typeof choiceReasons;

/** What the ranks of two Services are compared by. */
const BY: readonly ChoiceReason[] = ['annotation', 'name', 'port', 'age', 'first-by-name'];

export type ChosenAddress = {
  readonly kind: 'chosen';
  readonly service: MeshService;
  /** Why this Service. */
  readonly why: ChoiceReason;
  /** Of the pod in Consul. */
  readonly name: string;
  readonly virtual: VirtualAddress;
  /** Names of Services that select the pod and whose addresses stay outside of the mesh: an instance has one. */
  readonly others: readonly string[];
};

type AddressChoice =
  | ChosenAddress
  | { readonly kind: 'none'; readonly reason: 'not-redirected' | 'no-service' | 'no-address' }
  | { readonly kind: 'unknown'; readonly reason: 'not-listed' };

/**
 * By selector and not by endpoints: a pod that is not ready has its address already. Of several Services with a cluster address
 * it is the one that the author chose, else the one named like the service in Consul, else one whose port leads to the registered
 * port, else the oldest, else the first by name.
 *
 * @param services of its namespace, all that select it among them; undefined while they are not known
 */
export function chooseAddress(
  pod: InjectedPod,
  cluster: MeshCluster,
  services: readonly MeshService[] | undefined = cluster.selecting(pod),
): AddressChoice {
  const mesh = meshOf(pod);
  const name = mesh?.isTransparent === true ? serviceNameOf(pod, cluster)?.name : undefined;
  if (mesh === undefined || name === undefined) return { kind: 'none', reason: 'not-redirected' };
  if (services === undefined) return { kind: 'unknown', reason: 'not-listed' };
  const leads = leadsTo(pod, mesh.service.port);
  const rank = (each: MeshService): readonly string[] => [
    each.name === mesh.kubernetesService ? '0' : '1',
    each.name === name ? '0' : '1',
    each.ports.some(leads) ? '0' : '1',
    each.created,
    each.name,
  ];
  const selecting = services.filter((each) => selects(each, pod));
  const [first, ...others] = selecting
    .filter(({ address, ports }) => address !== undefined && ports.length > 0)
    .map((each) => ({ each, rank: rank(each) }))
    .toSorted((left, right) => byText(left.rank.join(' '), right.rank.join(' ')));
  const service = first?.each;
  const port = service?.ports.find(leads) ?? service?.ports[0];
  if (service?.address === undefined || port === undefined)
    return { kind: 'none', reason: selecting.length === 0 ? 'no-service' : 'no-address' };
  return {
    kind: 'chosen',
    service,
    why:
      others[0] === undefined
        ? 'only'
        : (BY.find((_, index) => first?.rank[index] !== others[0]?.rank[index]) ?? 'only'),
    name,
    virtual: { address: service.address, port: port.port },
    others: others.map(({ each }) => each.name),
  };
}

export type AddressStatus = {
  readonly reason: AddressReason;
  /** Undefined when there is no Service to choose. */
  readonly chosen: ChosenAddress | undefined;
  /** `<service> (<instance> on node <node>)`, when it is taken. */
  readonly holder: string | undefined;
  /** `headlessServicesOf` the pod. */
  readonly headless: readonly string[];
};

/**
 * The headless Services that select the pod and whose clients it refuses, as `<namespace>/<name>`: they dial the pod itself, and
 * only a port that its author excludes from the redirection answers them, or the sidecar's own for metrics.
 */
export function headlessServicesOf(pod: InjectedPod, services: readonly MeshService[]): readonly string[] {
  const metricsPort = metricsPortOf(pod);
  const isPlain = ({ target }: MeshServicePort): boolean => {
    const port = typeof target === 'string' ? pod.ports.get(target) : target;
    return port === undefined || port === metricsPort || pod.plainPorts.includes(port);
  };
  return services
    .filter((each) => each.address === undefined && selects(each, pod) && !each.ports.every(isPlain))
    .map(({ namespace, name }) => `${namespace}/${name}`)
    .toSorted(byText);
}

/** What its author should know of an address: reason of the Event, and its text. It says the same of every pod of a service. */
type AddressNotice = {
  readonly reason: 'AddressTaken' | 'HeadlessService' | 'OtherServices' | 'SeveralPorts';
  readonly text: string;
};

const MOST_NAMES = 5;

export function addressNotices(status: AddressStatus): readonly AddressNotice[] {
  const notice = chosenNotices(status);
  if (status.headless.length === 0) return notice;
  return [
    ...notice,
    {
      reason: 'HeadlessService',
      text: `these Services are headless: ${listed(status.headless, MOST_NAMES)}. Clients of these, and the members of a StatefulSet among each other, dial a pod itself, which refuses traffic from outside the mesh. For clients, add a Service with a cluster address; for members, exclude their port in both directions (consul.hashicorp.com/transparent-proxy-exclude-inbound-ports and -outbound-ports)`,
    },
  ];
}

function chosenNotices({ reason, chosen, holder }: AddressStatus): readonly AddressNotice[] {
  if (chosen === undefined || reason === 'waiting') return [];
  const { service, virtual, name, others } = chosen;
  const [address, itself] = [virtual.address, `${service.namespace}/${service.name}`];
  if (reason === 'shared')
    return [
      {
        reason: 'AddressTaken',
        text: `several Consul services are behind the Service ${itself}; its address ${address} belongs to the one named "${service.name}", or to none if there is no such service, so the address reaches "${name}" only outside the mesh; give each of them a Service of its own`,
      },
    ];
  if (reason === 'taken')
    return [
      {
        reason: 'AddressTaken',
        text: `Consul has the address ${address} of the Service ${itself} for the service ${holder ?? ''}; "${name}" gets it once that service is deregistered`,
      },
    ];
  return [
    ...(others.length === 0
      ? []
      : [
          {
            reason: 'OtherServices' as const,
            text: `"${name}" has one address in the mesh, that of the Service ${itself}; the addresses of these Services, which also select its pods, are outside the mesh: ${listed(others, MOST_NAMES)}`,
          },
        ]),
    ...(service.ports.length === 1
      ? []
      : [
          {
            reason: 'SeveralPorts' as const,
            text: `in the mesh every port of the Service ${itself} leads to the one port that "${name}" has registered, because Consul does not look at ports; use a Service and a Consul service for each port`,
          },
        ]),
  ];
}
