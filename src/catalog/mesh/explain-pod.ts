/** Why an injected pod is in Consul as it is, or is not: a part of the answer of `tandem explain pod`, as data. */
import { POD_UID_META } from '../../model/consul-names.ts';
import { indexed, ownerOf } from '../../model/instance.ts';
import type { InstanceState } from '../to-consul/explain-service.ts';
import type { VirtualAddress } from '../../model/registration.ts';
import type { AddressStatus } from './virtual-address.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import { decidePod, podReasons, problemOf, type PodReason } from './decide-pod.ts';
import type { ObservedRegistration } from './observed-registration.ts';
import { differencesOf, type RegistrationField } from './node-plan.ts';
import { serviceNameOf, type MeshServiceName } from './mesh-service.ts';
import { meshOf, servicesOf, sourceOfPod, type InjectedPod, type Stage } from './registered-pod.ts';
import { instancesOfPod, registrationsOf, type PodRegistration } from './pod-registration.ts';

type RegistrationState = InstanceState<RegistrationField>;

export type PodExplanation = {
  readonly source: string;
  readonly uid: string;
  readonly mode: InjectedPod['injection']['kind'];
  readonly stage: Stage;
  /** What it is in Consul, and what decided that; undefined when nothing of it can be registered. */
  readonly service: MeshServiceName | undefined;
  /** Its other services, in a pod with several. */
  readonly otherServices: readonly MeshServiceName[];
  /** The rule that decided, in the words of the closed vocabulary, and what it means. */
  readonly reason: PodReason;
  readonly meaning: string;
  /** What is wrong with it, a sentence each. */
  readonly problems: readonly string[];
  readonly registrations: readonly ExplainedRegistration[];
  readonly address: AddressStatus;
  /** Instances of this very pod in Consul that are to be removed. */
  readonly leftover: readonly ObservedRegistration[];
};

/** Where its address stands, and what its proxy has to have. */
export type ExplainedAddress = {
  readonly address: AddressStatus;
  readonly virtual: VirtualAddress | undefined;
};

export type ExplainedRegistration = {
  readonly registration: PodRegistration;
  readonly standing: RegistrationState;
  /** What Consul has; undefined for none, and when it was not asked. */
  readonly virtual: VirtualAddress | undefined;
  /** All checks that Consul has of it, also those of others; those that do not pass first. */
  readonly checks: readonly NonNullable<PodRegistration['check']>[];
};

/**
 * @param observed what Consul has on the node of the pod: the synthetic one in dataplane mode, that of the agent in agent
 *   mode; undefined when it was not asked
 */
export function explainPod(
  pod: InjectedPod,
  cluster: MeshCluster,
  observed: readonly ObservedRegistration[] | undefined,
  { address, virtual }: ExplainedAddress,
): PodExplanation {
  const { owner } = cluster;
  const reason = decidePod(pod, cluster);
  const problem = problemOf(pod, reason, cluster);
  const registrations = (
    reason === 'agent-mode' ? instancesOfPod(pod, cluster) : registrationsOf(pod, cluster)
  ).map((each) => (each.id === meshOf(pod)?.proxyId ? { ...each, virtual } : each));
  const wanted = new Set(registrations.map(({ id }) => indexed(id)));
  return {
    source: sourceOfPod(pod),
    uid: pod.uid,
    mode: pod.injection.kind,
    stage: pod.stage,
    service: serviceNameOf(pod, cluster),
    otherServices: servicesOf(pod)
      .slice(1)
      .map(({ service, nameSource }) => ({ name: service.name, reason: nameSource })),
    reason,
    meaning: podReasons[reason],
    problems: problem === undefined ? [] : [problem],
    registrations: registrations.map((registration) => {
      const found = observed?.find(({ id }) => indexed(id) === indexed(registration.id));
      return {
        registration,
        standing:
          observed === undefined
            ? { kind: 'unknown' }
            : stateOf(registration, owner, pod.injection.kind, found),
        virtual: found?.virtual,
        checks: checksOf(found),
      };
    }),
    address,
    leftover: (observed ?? []).filter(
      (each) => each.meta[POD_UID_META] === pod.uid && !wanted.has(indexed(each.id)) && isOurs(each, owner),
    ),
  };
}

// A pod in agent mode has the owner only when the webhook knows it.
function isOurs(found: ObservedRegistration, owner: string): boolean {
  return [owner, undefined].includes(ownerOf(found));
}

function stateOf(
  registration: PodRegistration,
  owner: string,
  mode: InjectedPod['injection']['kind'],
  found: ObservedRegistration | undefined,
): RegistrationState {
  if (found === undefined) return { kind: 'missing' };
  const isOfPod = found.meta[POD_UID_META] === registration.uid;
  if (mode === 'agent' ? !isOfPod || !isOurs(found, owner) : ownerOf(found) !== owner)
    return { kind: 'foreign', owner: ownerOf(found) };
  const fields = differencesOf(registration, found).filter((field) => mode !== 'agent' || isOfAgent(field));
  return fields.length === 0 ? { kind: 'unchanged' } : { kind: 'differs', fields };
}

// The pod gives its agent checks of its own, and no weights.
function isOfAgent(field: RegistrationField): boolean {
  return field !== 'check' && field !== 'meta';
}

function checksOf(found: ObservedRegistration | undefined): ExplainedRegistration['checks'] {
  if (found === undefined) return [];
  const all = [...(found.check === undefined ? [] : [found.check]), ...found.otherChecks];
  return [
    ...all.filter(({ status }) => status !== 'passing'),
    ...all.filter(({ status }) => status === 'passing'),
  ];
}
