/** Why a pod is in Consul as it is, or is not: the answer of `tandem explain pod`, as data. */
import { indexed, ownerOf } from '../instance.ts';
import { decidePod, podReasons, type PodReason } from './decide.ts';
import type { ObservedRegistration } from './observed.ts';
import { differencesOf, type RegistrationField } from './plan.ts';
import { sourceOfPod, type InjectedPod, type Stage } from './pod.ts';
import { POD_UID_META, registrationsOf, type Registration } from './registration.ts';

/** How one instance stands in Consul. */
export type RegistrationStanding =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'differs'; readonly fields: readonly RegistrationField[] }
  | { readonly kind: 'foreign'; readonly owner: string | undefined };

export type PodExplanation = {
  readonly source: string;
  readonly uid: string;
  readonly mode: InjectedPod['mode'];
  readonly stage: Stage;
  /** The rule that decided, in the words of the closed vocabulary, and what it means. */
  readonly reason: PodReason;
  readonly meaning: string;
  /** What is wrong with the annotations, a sentence each. */
  readonly problems: readonly string[];
  readonly registrations: readonly {
    readonly registration: Registration;
    readonly standing: RegistrationStanding;
  }[];
  /** Ours in Consul, of this very pod, that the next pass would remove. */
  readonly leftover: readonly ObservedRegistration[];
};

/** @param observed what Consul has on the synthetic node; undefined when it was not asked */
export function explainPod(
  pod: InjectedPod,
  owner: string,
  observed: readonly ObservedRegistration[] | undefined,
): PodExplanation {
  const reason = decidePod(pod);
  const registrations = registrationsOf(pod, owner);
  const wanted = new Set(registrations.map(({ id }) => indexed(id)));
  return {
    source: sourceOfPod(pod),
    uid: pod.uid,
    mode: pod.mode,
    stage: pod.stage,
    reason,
    meaning: podReasons[reason],
    problems: pod.mesh.ok ? [] : pod.mesh.problems.map(({ at, message }) => `${at}: ${message}`),
    registrations: registrations.map((registration) => ({
      registration,
      standing: standingOf(registration, owner, observed),
    })),
    leftover: (observed ?? []).filter(
      (each) =>
        ownerOf(each) === owner && each.meta[POD_UID_META] === pod.uid && !wanted.has(indexed(each.id)),
    ),
  };
}

function standingOf(
  registration: Registration,
  owner: string,
  observed: readonly ObservedRegistration[] | undefined,
): RegistrationStanding {
  if (observed === undefined) return { kind: 'unknown' };
  const found = observed.find(({ id }) => indexed(id) === indexed(registration.id));
  if (found === undefined) return { kind: 'missing' };
  if (ownerOf(found) !== owner) return { kind: 'foreign', owner: ownerOf(found) };
  const fields = differencesOf(registration, found);
  return fields.length === 0 ? { kind: 'unchanged' } : { kind: 'differs', fields };
}
