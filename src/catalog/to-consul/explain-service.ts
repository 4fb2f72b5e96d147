/** Why a Service is in Consul as it is, or is not: the answer of `tandem explain service`, as data. */
import {
  byText,
  indexed,
  isOnNode,
  ownerOf,
  sourceOf,
  type Instance,
  type ObservedInstance,
} from '../../model/instance.ts';
import type { Service } from '../../model/kubernetes-objects.ts';
import { ANNOTATION_PREFIX } from '../../model/kubernetes-names.ts';
import { differences, plan, type Field, type Scope } from './consul-plan.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import {
  serviceSkipReasons,
  syncReasons,
  type ServiceSkipReason,
  type SyncReason,
} from './decide-service.ts';
import { desired, isWhole, type AddressRule, type RelatedObjects } from './desired-instances.ts';
import { omitReasons, type Omitted } from './place.ts';
import type { ToConsulSettings } from './to-consul-settings.ts';

/** The state of one instance in Consul. */
export type InstanceState<DifferingField = Field> =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'differs'; readonly fields: readonly DifferingField[] }
  | { readonly kind: 'foreign'; readonly owner: string | undefined };

type ExplainedInstance = { readonly instance: Instance; readonly standing: InstanceState };

export type Explanation = {
  readonly source: string;
  /** The rule that decided, in the words of the closed vocabulary, and what it means. */
  readonly decision:
    | { readonly kind: 'skip'; readonly reason: ServiceSkipReason; readonly meaning: string }
    | { readonly kind: 'sync'; readonly reason: SyncReason; readonly meaning: string };
  /** Those on the Service that Tandem reads, by their full name, in order. */
  readonly annotations: readonly { readonly name: string; readonly value: string }[];
  readonly addressRule: AddressRule | undefined;
  readonly instances: readonly ExplainedInstance[];
  readonly omitted: readonly (Omitted & { readonly meaning: string })[];
  readonly problems: readonly ServiceProblem[];
  /** Ours in Consul, of this Service, that the next reconcile would remove. */
  readonly leftover: readonly ObservedInstance[];
};

/** What Consul has of the Service; the ids decide which of it belongs to which instance. */
export type Seen = { readonly observed: readonly ObservedInstance[]; readonly scope: Scope };

/** @param seen undefined when Consul was not asked: then the state of every instance is unknown */
export function explainService(
  service: Service,
  related: RelatedObjects,
  settings: ToConsulSettings,
  seen: Seen | undefined,
): Explanation {
  const result = desired(service, related, settings);
  const isSynced = result.kind === 'sync';
  const instances = isSynced ? result.instances : [];
  return {
    source: result.source,
    decision: isSynced
      ? { kind: 'sync', reason: result.reason, meaning: syncReasons[result.reason] }
      : { kind: 'skip', reason: result.reason, meaning: serviceSkipReasons[result.reason] },
    annotations: [...service.annotations]
      .map(([name, value]) => ({ name: `${ANNOTATION_PREFIX}${name}`, value }))
      .sort((left, right) => byText(left.name, right.name)),
    addressRule: isSynced ? result.addressRule : undefined,
    instances: instanceStates(instances, seen),
    omitted: isSynced ? result.omitted.map((each) => ({ ...each, meaning: omitReasons[each.reason] })) : [],
    problems: result.problems,
    leftover: seen === undefined || !isWhole(result) ? [] : leftoverOf(result.source, instances, seen),
  };
}

function instanceStates(instances: readonly Instance[], seen: Seen | undefined): ExplainedInstance[] {
  if (seen === undefined) return instances.map((instance) => ({ instance, standing: { kind: 'unknown' } }));
  const present = new Map(
    seen.observed.filter((each) => isOnNode(each, seen.scope.node)).map((each) => [indexed(each.id), each]),
  );
  return instances.map((instance) => ({
    instance,
    standing: stateOf(instance, present.get(indexed(instance.id)), seen.scope.owner),
  }));
}

function stateOf(instance: Instance, found: ObservedInstance | undefined, owner: string): InstanceState {
  if (found === undefined) return { kind: 'missing' };
  if (ownerOf(found) !== owner) return { kind: 'foreign', owner: ownerOf(found) };
  const fields = differences(instance, found);
  return fields.length === 0 ? { kind: 'unchanged' } : { kind: 'differs', fields };
}

function leftoverOf(
  source: string,
  instances: readonly Instance[],
  { observed, scope }: Seen,
): readonly ObservedInstance[] {
  return plan(instances, observed, scope).deregister.filter((each) => sourceOf(each) === source);
}
