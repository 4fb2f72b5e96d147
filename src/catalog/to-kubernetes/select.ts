/** Which of Consul's services come to Kubernetes: the rules, in their order; the first that holds decides. */
import { matchesGlob } from '../../support/glob.ts';
import type { ConsulList } from './consul-service.ts';
import { objectName } from './object-name.ts';
import type { ToK8sSettings } from './to-k8s-settings.ts';

/** The closed vocabulary of `/status`. */
export const leaveReasons = {
  'not-named': 'no pattern of --to-k8s-services matches',
  'consul-itself': 'Consul itself; name it in --to-k8s-services without a wildcard to include it',
  'from-kubernetes': 'it has the tag of services that come from Kubernetes',
  'from-this-cluster': 'one of its instances was registered by this cluster',
  'tag-missing': 'it does not have the tag of --to-k8s-tag',
  filtered: 'none of its instances matches --to-k8s-filter',
} as const;

export type LeaveReason = keyof typeof leaveReasons;

type Selector = Pick<ToK8sSettings, 'services' | 'onlyTag' | 'syncedTag'>;

/**
 *     1  no pattern matches, in lower case as Consul compares   not-named
 *     2  `consul`, unless a pattern without a wildcard names it  consul-itself
 *     3  the tag of the other direction, on any instance         from-kubernetes
 *     4  an instance that this cluster registered                from-this-cluster
 *     5  without the wanted tag on any instance                  tag-missing
 *     6  not among those that Consul filtered                    filtered
 *
 * A service with some instances from Kubernetes is left out as a whole: half of it would be a loop.
 *
 * @returns undefined when the service is taken
 */
export function leaveReason(name: string, list: ConsulList, settings: Selector): LeaveReason | undefined {
  const { services, onlyTag, syncedTag } = settings;
  const lower = name.toLowerCase();
  const tags = list.services.get(name) ?? [];
  if (!services.some((pattern) => matchesGlob(pattern.toLowerCase(), lower))) return 'not-named';
  if (lower === 'consul' && !services.some((pattern) => pattern.toLowerCase() === lower))
    return 'consul-itself';
  if (syncedTag !== '' && tags.includes(syncedTag)) return 'from-kubernetes';
  if (list.own.has(name)) return 'from-this-cluster';
  if (onlyTag !== '' && !tags.includes(onlyTag)) return 'tag-missing';
  return list.filtered?.has(name) === false ? 'filtered' : undefined;
}

/** Names of the services that are taken, in order. */
export function selectServices(list: ConsulList, settings: Selector): readonly string[] {
  return [...list.services.keys()]
    .filter((name) => leaveReason(name, list, settings) === undefined)
    .toSorted();
}

/** Services whose instances are wanted: one that cannot become a Service is not asked for. */
export function followedServices(list: ConsulList, settings: ToK8sSettings): readonly string[] {
  if (settings.mode === 'external-name') return [];
  return selectServices(list, settings).filter((name) => objectName(settings.prefix, name) !== undefined);
}

/** Name → the rule that leaves it out, of those that are not taken. */
export function leftOutServices(list: ConsulList, settings: Selector): ReadonlyMap<string, LeaveReason> {
  const reasons = new Map<string, LeaveReason>();
  for (const name of list.services.keys()) {
    const reason = leaveReason(name, list, settings);
    if (reason !== undefined) reasons.set(name, reason);
  }
  return reasons;
}
