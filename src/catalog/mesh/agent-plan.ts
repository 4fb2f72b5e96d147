/** Agent mode: which instances of injected pods an agent has, and which of them outlive their pods. */
import {
  CHECK_NAME,
  EXTERNAL_SOURCE,
  EXTERNAL_SOURCE_META,
  MANAGED_BY,
  MANAGED_BY_META,
  OWNER_META,
  POD_UID_META,
  readinessCheckId,
} from '../../model/consul-names.ts';
import type { CheckEntry, ServiceEntry } from '../../model/consul-entries.ts';
import type { Check } from '../../model/instance.ts';
import { statusOf } from '../../model/observed-node.ts';
import type { Conflict } from '../../model/problem.ts';
import type { VirtualAddress } from '../../model/registration.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import { agentRegistrationsOf, withAddress, type AgentRegistration } from './agent-registration.ts';
import { isSameAddress } from './node-plan.ts';
import { virtualAddressOf } from './observed-registration.ts';
import { readProxy } from './proxy.ts';
import { readinessOf } from './pod-registration.ts';
import { meshOf, sourceOfPod, type InjectedPod } from './registered-pod.ts';

/** An instance that an injected pod has registered. */
export type PodInstance = {
  readonly id: string;
  readonly uid: string;
  /** Undefined when the webhook did not know the cluster. */
  readonly owner: string | undefined;
  readonly isProxy: boolean;
  /** Of a proxy: what it stands for, and its virtual address. */
  readonly destination?: string | undefined;
  readonly virtual?: VirtualAddress | undefined;
};

/** `service` is the id of its instance; empty for one of the node. */
type AgentCheck = Pick<Check, 'status' | 'output'> & { readonly service: string };

export type AgentState = {
  readonly instances: readonly PodInstance[];
  /** Ids of what no pod has registered. */
  readonly others: ReadonlySet<string>;
  /** By id. */
  readonly checks: ReadonlyMap<string, AgentCheck>;
};

export type CheckChange = {
  readonly source: string;
  readonly service: string;
  readonly check: Check;
  /** The agent has no such check yet. */
  readonly isNew: boolean;
};

export type AgentPlan = {
  /** Their pods have ended. */
  readonly deregister: readonly PodInstance[];
  /** Of this cluster, but of no known pod: the pod may be so new that its event is still on the way. */
  readonly strangers: readonly PodInstance[];
  readonly checks: readonly CheckChange[];
  /** Missing instances of pods that have registered themselves: the agent has lost its state, or a removal hit them. */
  readonly register: readonly AgentRegistration[];
  /** Proxies that get or lose a virtual address; the pod knows none. */
  readonly update: readonly AgentRegistration[];
  /** Another instance has the id of an existing pod, and may give it up. */
  readonly conflicts: readonly Conflict[];
};

/**
 * | instance of a pod | then |
 * | --- | --- |
 * | that is there, alive or terminating | kept; its check says whether the pod is ready |
 * | whose end was seen | deregister |
 * | unknown, of our owner | stranger |
 * | unknown, of another owner or none | ignored |
 * | of no instance: a pod that has registered itself | registered again, unless another one has its id |
 *
 * A pod that was replaced under its name has another UID; what the new one has registered is kept.
 *
 * @param pods in agent mode at this agent
 * @param virtualOf what a proxy must have; `found` is undefined for one that is not there
 */
export function planAgent(
  pods: readonly InjectedPod[],
  { instances, others, checks }: AgentState,
  cluster: MeshCluster,
  isEnded: (uid: string) => boolean,
  virtualOf: VirtualOf,
): AgentPlan {
  const live = new Map(pods.filter(isLive).map((pod) => [pod.uid, pod]));
  const left = leftoversOf(instances, cluster.owner, (uid) => live.has(uid), isEnded);
  const lost = [...live.values()].flatMap((pod) => agentRegistrationsOf(pod, cluster));
  const update = instances.flatMap((found): AgentRegistration[] => {
    const pod = live.get(found.uid);
    if (pod === undefined || !found.isProxy) return [];
    const virtual = found.id === meshOf(pod)?.proxyId ? virtualOf(pod, found) : undefined;
    return isSameAddress(virtual, found.virtual) ? [] : withAddress(pod, found.id, virtual, cluster);
  });
  // Nothing is taken from another pod, or from somebody else.
  const holders = new Map<string, string | undefined>([
    ...[...others].map((id) => [id, undefined] as const),
    ...instances.filter(({ uid }) => live.has(uid) || !isEnded(uid)).map(({ id, uid }) => [id, uid] as const),
  ]);
  return {
    ...left,
    update,
    register: lost.filter(({ id }) => !holders.has(id)),
    conflicts: lost
      .filter(({ id, uid }) => holders.has(id) && holders.get(id) !== uid)
      .map(({ id, source }) => ({
        source,
        at: id,
        message: `the node's agent has another instance with the id ${id}, which is left alone; deregister it there`,
      })),
    checks: instances.flatMap(({ id, uid, isProxy }): CheckChange[] => {
      const pod = live.get(uid);
      return pod === undefined || isProxy ? [] : checkChange(pod, id, checks);
    }),
  };
}

type VirtualOf = (pod: InjectedPod, found: PodInstance) => VirtualAddress | undefined;

export function leftoversOf<T extends PodInstance>(
  instances: readonly T[],
  owner: string,
  isThere: (uid: string) => boolean,
  isEnded: (uid: string) => boolean,
): { readonly deregister: readonly T[]; readonly strangers: readonly T[] } {
  const others = instances.filter(({ uid }) => !isThere(uid));
  return {
    deregister: others.filter(({ uid }) => isEnded(uid)),
    strangers: others.filter((each) => each.owner === owner && !isEnded(each.uid)),
  };
}

/**
 * @param services of `GET /v1/agent/services`, by id
 * @param checks of `GET /v1/agent/checks`, by id
 */
export function agentState(
  services: Readonly<Record<string, ServiceEntry>>,
  checks: Readonly<Record<string, CheckEntry>>,
): AgentState {
  const instances = podInstances(Object.values(services));
  const ofPods = new Set(instances.map(({ id }) => id));
  return {
    instances,
    others: new Set(Object.keys(services).filter((id) => !ofPods.has(id))),
    checks: new Map(
      Object.entries(checks).map(([id, entry]) => [
        id,
        { status: statusOf(entry), output: entry.Output, service: entry.ServiceID },
      ]),
    ),
  };
}

export function podInstances(services: readonly ServiceEntry[]): readonly PodInstance[] {
  return services.flatMap((service): PodInstance[] => {
    const { ID, Kind, Meta, Proxy } = service;
    const uid = Meta[POD_UID_META];
    const isOfPod = Meta[MANAGED_BY_META] === MANAGED_BY && Meta[EXTERNAL_SOURCE_META] === EXTERNAL_SOURCE;
    if (uid === undefined || !isOfPod) return [];
    const instance = { id: ID, uid, owner: Meta[OWNER_META] };
    if (Kind !== 'connect-proxy') return [{ ...instance, isProxy: false }];
    const destination = readProxy(Proxy).destinationName;
    return [{ ...instance, isProxy: true, destination, virtual: virtualAddressOf(service) }];
  });
}

export function isLive({ stage }: InjectedPod): boolean {
  return stage === 'alive' || stage === 'terminating';
}

function checkChange(pod: InjectedPod, service: string, checks: AgentState['checks']): CheckChange[] {
  const id = readinessCheckId(service);
  const wanted = readinessOf(pod);
  const found = checks.get(id);
  if (found?.status === wanted.status && found.output === wanted.output) return [];
  const check = { id, name: CHECK_NAME, ...wanted };
  return [{ source: sourceOfPod(pod), service, check, isNew: found === undefined }];
}
