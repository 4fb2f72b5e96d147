/** Says which settings made the names: without the flags of the sync, they differ from those in the cluster. */
import type { Plan, Scope } from '../catalog/to-consul/consul-plan.ts';
import type { Explanation } from '../catalog/to-consul/explain-service.ts';
import type { namingFlags } from '../config/naming-settings.ts';
import { flagName, type FlagValues } from '../config/parse-flags.ts';
import type { toConsulFlags } from '../config/sync-settings.ts';
import { sourceOf } from '../model/instance.ts';

const OF_SERVICES = ['consulServicePrefix', 'addK8sNamespaceSuffix', 'multiPort'] as const;
const OF_PODS = ['serviceNames', 'podAuthMethod', 'requirePodLogin'] as const;

/** @param renamed how many Kubernetes objects have instances of this owner under another name */
export function serviceNamingNote(
  values: Pick<FlagValues<typeof toConsulFlags>, (typeof OF_SERVICES)[number]>,
  { owner, node }: Scope,
  renamed: number,
): string {
  const note = `names by ${settings(values, OF_SERVICES)}, as owner ${owner} on node ${node}`;
  return renamed === 0
    ? note
    : `${note}; Consul has other names for ${renamed === 1 ? '1 Service' : `${renamed} Services`} of this owner: these may not be the flags of the sync that runs`;
}

export function podNamingNote(values: FlagValues<typeof namingFlags>): string {
  return `names by ${settings(values, OF_PODS)}`;
}

function settings<K extends string>(values: Readonly<Record<K, unknown>>, keys: readonly K[]): string {
  return keys.map((key) => `${flagName(key)}=${String(values[key] ?? '')}`).join(' ');
}

/** How many Kubernetes objects leave one name and get another. */
export function renamedIn({ register, update, deregister }: Plan): number {
  const left = new Set(deregister.map(sourceOf));
  const kept = new Set(deregister.map((each) => `${sourceOf(each)} ${each.name}`));
  const moved = register.filter(
    (each) => left.has(sourceOf(each)) && !kept.has(`${sourceOf(each)} ${each.name}`),
  );
  const changed = update.filter(({ fields }) => fields.includes('name')).map(({ instance }) => instance);
  return new Set([...moved, ...changed].map(sourceOf)).size;
}

/** Whether Consul has the Service under another name, and not under this one. */
export function isRenamed({ instances, leftover }: Explanation): boolean {
  const names = new Set(instances.map(({ instance }) => instance.name));
  return (
    instances.some(({ standing }) => standing.kind === 'differs' && standing.fields.includes('name')) ||
    (instances.some(({ standing }) => standing.kind === 'missing') &&
      leftover.some(({ name }) => !names.has(name)))
  );
}
