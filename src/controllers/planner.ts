/** Compares the cluster as it is now with Consul as it is known: what would have to change, and why the rest does not. */
import { setImmediate as turn } from 'node:timers/promises';
import { OWNER_META } from '../model/consul-names.ts';
import { indexed, sourceOf, type Instance } from '../model/instance.ts';
import { clashProblem, createNameIndex } from '../catalog/to-consul/name-index.ts';
import type { ObservedIndex } from '../catalog/to-consul/observed-index.ts';
import { plan as planOf, type Plan, type Scope } from '../catalog/to-consul/consul-plan.ts';
import type { ServiceProblem } from '../model/problem.ts';
import type { ServiceSkipReason, SyncReason } from '../catalog/to-consul/decide-service.ts';
import { desired } from '../catalog/to-consul/desired-instances.ts';
import type { OmitReason } from '../catalog/to-consul/place.ts';
import type { ToConsulSettings } from '../catalog/to-consul/to-consul-settings.ts';
import type { Source } from './sync-ports.ts';

/** The state of one Service, for `/status`. */
export type SourceStatus = {
  readonly kind: 'sync' | 'skip';
  readonly reason: SyncReason | ServiceSkipReason;
  /** How many instances Consul should have of it. */
  readonly instances: number;
  readonly problems: readonly ServiceProblem[];
  /** Why there is no instance of what is synced: the reasons of all that is left out. Empty when there is one or more. */
  readonly leftOut: readonly OmitReason[];
};

export type Planned = {
  readonly plan: Plan;
  /** Of the sources that were planned; a source that is gone has none. */
  readonly problems: ReadonlyMap<string, readonly ServiceProblem[]>;
};

export type Planner = {
  readonly all: () => Promise<Planned>;
  readonly of: (sources: Iterable<string>) => Planned;
  readonly statuses: () => ReadonlyMap<string, SourceStatus>;
  readonly desiredInstances: () => number;
};

// About 20 ms of work: the rest of the process, such as probes and heartbeats, has its turn in between.
const SOURCES_A_TURN = 500;

export function createPlanner(
  snapshot: Source['snapshot'],
  observed: ObservedIndex,
  settings: ToConsulSettings,
  scope: Scope,
): Planner {
  const names = createNameIndex();
  const statuses = new Map<string, SourceStatus>();
  const strays = createStrays();
  let instances = 0;

  const setStatus = (source: string, status: SourceStatus | undefined): void => {
    instances += (status?.instances ?? 0) - (statuses.get(source)?.instances ?? 0);
    if (status === undefined) statuses.delete(source);
    else statuses.set(source, status);
  };

  /** What Consul should have for one source, nothing for one that is gone; and what is wrong with it. */
  const planOne = (source: string): { readonly plan: Plan; readonly problems: readonly ServiceProblem[] } => {
    const service = snapshot.service(source);
    const result = service && desired(service, snapshot.related(source), settings);
    const wanted: readonly Instance[] = result?.kind === 'sync' ? result.instances : [];
    const clashes = names.set(source, wanted).map((clash) => clashProblem(clash, source));
    const part = planOf(wanted, observed.forPlan([source], wanted), scope);
    const conflicts = part.conflicts.map(({ at, message }): ServiceProblem => ({
      reason: 'id-taken',
      at: `${OWNER_META} of ${at}`,
      message,
    }));
    const problems = [...(result?.problems ?? []), ...clashes, ...conflicts];
    const isEmpty = result?.kind === 'sync' && wanted.length === 0;
    const leftOut = isEmpty ? [...new Set(result.omitted.map((each) => each.reason))] : [];
    const status = result && {
      kind: result.kind,
      reason: result.reason,
      instances: wanted.length,
      problems,
      leftOut,
    };
    setStatus(source, status);
    strays.planned(source, part);
    return { plan: part, problems };
  };

  const of = (sources: Iterable<string>): Planned => {
    const plans: Plan[] = [];
    const problems = new Map<string, readonly ServiceProblem[]>();
    for (const source of sources) {
      if (!snapshot.isWhole(source)) continue;
      const found = planOne(source);
      plans.push(found.plan);
      problems.set(source, found.problems);
    }
    return { plan: strays.kept({ ...sum(plans), foreign: observed.foreign() }), problems };
  };

  return {
    of,
    all: async () => {
      const parts: Planned[] = [];
      const left = [...new Set([...snapshot.sources(), ...statuses.keys(), ...observed.sources()])];
      while (left.length > 0) {
        parts.push(of(left.splice(-SOURCES_A_TURN)));
        await turn();
      }
      return {
        plan: strays.kept({ ...sum(parts.map(({ plan }) => plan)), foreign: observed.foreign() }),
        problems: new Map(parts.flatMap(({ problems }) => [...problems])),
      };
    },
    statuses: () => statuses,
    desiredInstances: () => instances,
  };
}

function sum(plans: readonly Plan[]): Plan {
  return {
    register: plans.flatMap(({ register }) => register),
    update: plans.flatMap(({ update }) => update),
    deregister: plans.flatMap(({ deregister }) => deregister),
    unchanged: plans.reduce((total, { unchanged }) => total + unchanged, 0),
    foreign: 0,
    conflicts: plans.flatMap(({ conflicts }) => conflicts),
  };
}

/**
 * Instances that have the meta of another source in Consul, because somebody edited it: the source that wants them repairs the meta, and
 * the other one, which may be planned earlier or later, must not remove them.
 */
function createStrays() {
  /** Id → the source that wants it. */
  const wanting = new Map<string, string>();
  const idsOf = new Map<string, readonly string[]>();
  return {
    planned: (source: string, { update }: Plan): void => {
      for (const id of idsOf.get(source) ?? []) if (wanting.get(id) === source) wanting.delete(id);
      const strays = update.filter(({ previous }) => sourceOf(previous) !== source);
      const ids = strays.map(({ instance }) => indexed(instance.id));
      for (const id of ids) wanting.set(id, source);
      if (ids.length > 0) idsOf.set(source, ids);
      else idsOf.delete(source);
    },
    kept: (plan: Plan): Plan => ({
      ...plan,
      deregister: plan.deregister.filter(({ id }) => !wanting.has(indexed(id))),
    }),
  };
}
