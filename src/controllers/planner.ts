/** Compares the cluster as it is now with Consul as it is known: what would have to change, and why the rest does not. */
import { setImmediate as turn } from 'node:timers/promises';
import { OWNER_META } from '../model/consul-names.ts';
import { indexed, sourceOf, type Instance } from '../model/instance.ts';
import { clashProblem, createNameIndex } from '../catalog/to-consul/name-index.ts';
import type { ObservedIndex } from '../catalog/to-consul/observed-index.ts';
import { plan as planOf, type Plan, type Scope } from '../catalog/to-consul/consul-plan.ts';
import type { ServiceProblem } from '../model/problem.ts';
import type { ServiceSkipReason, SyncReason } from '../catalog/to-consul/decide-service.ts';
import { desired, isWhole, type Desired } from '../catalog/to-consul/desired-instances.ts';
import type { OmitReason } from '../catalog/to-consul/place.ts';
import type { ToConsulSettings } from '../catalog/to-consul/to-consul-settings.ts';
import type { Source } from './sync-ports.ts';

/** The state of one Service, for `/status`. */
export type SourceStatus = {
  readonly kind: 'sync' | 'skip';
  readonly reason: SyncReason | ServiceSkipReason;
  /** How many instances Consul should have of it, or has of one that waits for what is not known yet. */
  readonly instances: number;
  readonly problems: readonly ServiceProblem[];
  /**
   * Why there is no instance of what is synced, or why it waits for what is not known yet: the reasons of all that is left
   * out. Empty for one that has instances and does not wait.
   */
  readonly leftOut: readonly OmitReason[];
};

export type Planned = {
  readonly plan: Plan;
  /** Of the sources that were planned; a source that is gone has none. */
  readonly problems: ReadonlyMap<string, readonly ServiceProblem[]>;
};

/** Of one source. */
type Part = {
  readonly plan: Plan;
  /** Beside those of the Service itself. */
  readonly problems: readonly ServiceProblem[];
  readonly instances: number;
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

  const compare = (source: string, wanted: readonly Instance[]): Part => {
    const clashes = names.set(source, wanted).map((clash) => clashProblem(clash, source));
    const part = planOf(wanted, observed.forPlan([source], wanted), scope);
    const conflicts = part.conflicts.map(conflictProblem);
    strays.want(
      source,
      part.update.flatMap(({ instance, previous }) => (sourceOf(previous) === source ? [] : instance)),
    );
    return { plan: part, problems: [...clashes, ...conflicts], instances: wanted.length };
  };

  /** Of a source that waits, nothing is changed, whatever meta its instances get meanwhile. */
  const keep = (source: string, wanted: readonly Instance[]): Part => {
    const kept = observed.forPlan([source], []);
    strays.wantMore(source, [...kept, ...wanted]);
    return { plan: sum([]), problems: [], instances: kept.length };
  };

  /** What Consul should have for one source, nothing for one that is gone; and what is wrong with it. */
  const planOne = (source: string): Pick<Part, 'plan' | 'problems'> => {
    const service = snapshot.service(source);
    const result = service && desired(service, snapshot.related(source), settings);
    const wanted: readonly Instance[] = result?.kind === 'sync' ? result.instances : [];
    const waits = result !== undefined && !isWhole(result);
    const { plan, ...part } = (waits ? keep : compare)(source, wanted);
    const problems = [...(result?.problems ?? []), ...part.problems];
    setStatus(source, result && statusOf(result, problems, part.instances));
    return { plan, problems };
  };

  const planEach = (sources: Iterable<string>): Planned => {
    const plans: Plan[] = [];
    const problems = new Map<string, readonly ServiceProblem[]>();
    for (const source of sources) {
      const found = planOne(source);
      plans.push(found.plan);
      problems.set(source, found.problems);
    }
    return { plan: sum(plans), problems };
  };

  const whole = ({ plan, problems }: Planned): Planned => ({
    plan: strays.kept({ ...plan, foreign: observed.foreign() }),
    problems,
  });

  return {
    of: (sources) => whole(planEach(sources)),
    all: async () => {
      const parts: Planned[] = [];
      const left = [...new Set([...snapshot.sources(), ...statuses.keys(), ...observed.sources()])];
      while (left.length > 0) {
        parts.push(planEach(left.splice(-SOURCES_A_TURN)));
        await turn();
      }
      return whole(merged(parts));
    },
    statuses: () => statuses,
    desiredInstances: () => instances,
  };
}

function statusOf(result: Desired, problems: readonly ServiceProblem[], instances: number): SourceStatus {
  const isLacking = result.kind === 'sync' && (instances === 0 || !isWhole(result));
  const leftOut = isLacking ? [...new Set(result.omitted.map((each) => each.reason))] : [];
  return { kind: result.kind, reason: result.reason, instances, problems, leftOut };
}

function conflictProblem({ at, message }: Plan['conflicts'][number]): ServiceProblem {
  return { reason: 'id-taken', at: `${OWNER_META} of ${at}`, message };
}

function merged(parts: readonly Planned[]): Planned {
  return {
    plan: sum(parts.map(({ plan }) => plan)),
    problems: new Map(parts.flatMap(({ problems }) => [...problems])),
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
 * Instances that have the meta of another source in Consul, or may get it, because somebody edits it: the source that wants them repairs
 * the meta, and the other one, which may be planned earlier or later, must not remove them.
 */
function createStrays() {
  /** Id → the source that wants it. */
  const wanting = new Map<string, string>();
  const idsOf = new Map<string, string[]>();
  const wantMore = (source: string, instances: readonly Instance[]): void => {
    for (const id of instances.map((each) => indexed(each.id))) {
      if (wanting.get(id) === source) continue;
      wanting.set(id, source);
      const ids = idsOf.get(source);
      if (ids === undefined) idsOf.set(source, [id]);
      else ids.push(id);
    }
  };
  return {
    wantMore,
    /** These, and no longer those from before. */
    want: (source: string, instances: readonly Instance[]): void => {
      for (const id of idsOf.get(source) ?? []) if (wanting.get(id) === source) wanting.delete(id);
      idsOf.delete(source);
      wantMore(source, instances);
    },
    kept: (plan: Plan): Plan => ({
      ...plan,
      deregister: plan.deregister.filter(({ id }) => !wanting.has(indexed(id))),
    }),
  };
}
