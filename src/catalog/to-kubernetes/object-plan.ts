/** What would have to change in the write namespace: the difference between desired and observed, as data. */
import { byText } from '../../model/instance.ts';
import { quote } from '../../support/text.ts';
import type { ClusterNetwork } from './cluster-address.ts';
import type { ConsulHealth, ConsulList } from './consul-service.ts';
import { desiredOf, type DesiredService } from './desired-objects.ts';
import { serviceMarks, sliceMarks } from './marks.ts';
import {
  changedService,
  changedSlice,
  newService,
  newSlice,
  removal,
  type Create,
  type Delete,
  type ObjectChange,
  type ObjectScope,
  type ObjectUpdate,
} from './object-changes.ts';
import { nameObjects } from './object-name.ts';
import type { ObservedService, ObservedSlice } from './observed-objects.ts';
import type { ToK8sProblem } from './to-k8s-problem.ts';
import { leftOutServices, selectServices, type LeaveReason } from './select.ts';
import type { ToK8sSettings } from './to-k8s-settings.ts';
import { packSlices } from './slices.ts';

/** All objects of the write namespace, by their name. */
export type ObservedObjects = {
  readonly services: ReadonlyMap<string, ObservedService>;
  readonly slices: ReadonlyMap<string, ObservedSlice>;
};

/** The state of one Consul service, for `/status`. */
type ServiceState = {
  /** Of the Service; undefined when there is none. */
  readonly object: string | undefined;
  /** `unknown`: its instances were not read yet, and what is there of it stays. */
  readonly kind: DesiredService['kind'] | 'unknown' | 'none';
  readonly endpoints: number;
};

export type ToK8sPlan = {
  readonly create: readonly Create[];
  readonly update: readonly ObjectUpdate[];
  readonly delete: readonly Delete[];
  /** Number of our objects that are up to date, or about which nothing is concluded. */
  readonly unchanged: number;
  /** Number of our objects that are there. */
  readonly owned: number;
  /** Objects of somebody else where ours would be. */
  readonly conflicts: readonly { readonly problem: ToK8sProblem; readonly object: ObservedService }[];
  /** All, those of conflicts too. */
  readonly problems: readonly ToK8sProblem[];
  /** By the name in Consul. */
  readonly states: ReadonlyMap<string, ServiceState>;
  /** By the name in Consul, of those that are not taken. */
  readonly leftOut: ReadonlyMap<string, LeaveReason>;
};

/**
 * Compares everything that is ours with everything that is desired. What has another owner, or none, is never changed, and
 * nothing is put beside it: slices with the name of somebody else's Service would give it our endpoints.
 *
 * @param list of one whole read
 */
export function planToK8s(
  list: ConsulList,
  health: ConsulHealth,
  observed: ObservedObjects,
  settings: ToK8sSettings,
  network: ClusterNetwork,
): ToK8sPlan {
  const { owner } = settings;
  const holder = (name: string): string | undefined => {
    const found = observed.services.get(name);
    return found?.owner === owner ? found.source : undefined;
  };
  const { names, problems: ofNames } = nameObjects(selectServices(list, settings), settings.prefix, holder);
  const slicesBySource = groupBySource(observed.slices.values(), owner);
  const isTaken = (name: string): boolean => observed.slices.has(name);
  const changes: ObjectChange[] = [];
  const conflicts: ToK8sPlan['conflicts'][number][] = [];
  const problems: ToK8sProblem[] = [...ofNames];
  const states = new Map<string, ServiceState>();
  const kept = new Set<ObservedService | ObservedSlice>();
  for (const { service } of ofNames) states.set(service, NOT_THERE);

  for (const [source, name] of names) {
    const found = observed.services.get(name);
    const slices = slicesBySource.get(source) ?? [];
    if (found !== undefined && found.owner !== owner) {
      const problem = nameTaken(source, found);
      conflicts.push({ problem, object: found });
      problems.push(problem);
      states.set(source, NOT_THERE);
      continue;
    }
    const instances = settings.mode === 'external-name' ? [] : health(source);
    if (instances === undefined || (instances.length === 0 && settings.mode === 'endpoints')) {
      for (const each of [found, ...slices]) if (each !== undefined) kept.add(each);
      states.set(source, { object: name, kind: 'unknown', endpoints: 0 });
      continue;
    }
    const { service, problems: news } = desiredOf(source, instances, settings, network);
    for (const problem of news) problems.push(problem);
    states.set(source, stateOf(name, service));
    if (service === undefined) continue;
    if (found !== undefined) kept.add(found);
    for (const each of slices) if (service.kind === 'endpoints') kept.add(each);
    const parts = { source, name, service, found, slices, isTaken };
    for (const change of changesOf(parts, settings, kept)) changes.push(change);
  }
  const owned = [...observed.services.values(), ...observed.slices.values()].filter(
    (each) => each.owner === owner,
  );
  for (const each of owned)
    if (!kept.has(each)) changes.push(removal('type' in each ? 'Service' : 'EndpointSlice', each));
  return {
    create: changes.filter((change) => change.action === 'create'),
    update: changes.filter((change) => change.action === 'update'),
    delete: changes.filter((change) => change.action === 'delete'),
    unchanged: owned.length - changes.filter(({ action }) => action !== 'create').length,
    owned: owned.length,
    conflicts,
    problems,
    states,
    leftOut: leftOutServices(list, settings),
  };
}

const NOT_THERE: ServiceState = { object: undefined, kind: 'none', endpoints: 0 };

type Wanted = {
  readonly source: string;
  readonly name: string;
  readonly service: DesiredService;
  readonly found: ObservedService | undefined;
  readonly slices: readonly ObservedSlice[];
  readonly isTaken: (name: string) => boolean;
};

/** @param kept slices that nothing is left for are taken out of it */
function changesOf(
  { source, name, service, found, slices, isTaken }: Wanted,
  { owner, namespace }: ObjectScope,
  kept: Set<ObservedService | ObservedSlice>,
): ObjectChange[] {
  const marks = serviceMarks(owner, source);
  const change =
    found === undefined
      ? newService({ name, source }, service, marks, namespace)
      : changedService(service, marks, source, found);
  const groups = service.kind === 'endpoints' ? service.groups : [];
  const present = new Map(slices.map((slice) => [slice.name, slice]));
  const marksOfSlice = sliceMarks(owner, source, name);
  const changes: (ObjectChange | undefined)[] = [change];
  for (const slice of packSlices(name, groups, slices, isTaken)) {
    const before = present.get(slice.name);
    present.delete(slice.name);
    changes.push(
      before === undefined
        ? newSlice(slice, source, marksOfSlice, namespace)
        : changedSlice(slice, source, marksOfSlice, before),
    );
  }
  for (const left of present.values()) kept.delete(left);
  return changes.filter((each) => each !== undefined);
}

function stateOf(object: string, service: DesiredService | undefined): ServiceState {
  if (service === undefined) return NOT_THERE;
  const groups = service.kind === 'endpoints' ? service.groups : [];
  const endpoints = groups.reduce((count, group) => count + group.endpoints.length, 0);
  return { object, kind: service.kind, endpoints };
}

/** Those of one service by their names. */
function groupBySource(
  slices: Iterable<ObservedSlice>,
  owner: string,
): ReadonlyMap<string | undefined, readonly ObservedSlice[]> {
  const ours = [...slices].filter((each) => each.owner === owner);
  return Map.groupBy(
    ours.sort((left, right) => byText(left.name, right.name)),
    ({ source }) => source,
  );
}

function nameTaken(service: string, { name, owner }: ObservedService): ToK8sProblem {
  const holder = owner === undefined ? 'Tandem did not create it' : `it belongs to owner ${quote(owner)}`;
  const message = `the Service ${name} already exists and is not touched, because ${holder}; rename or remove it, or set --k8s-service-prefix`;
  return { reason: 'name-taken', service, message };
}
