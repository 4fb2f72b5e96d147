/** Whether a Service is synced: the rules, in their order; the first that holds decides. */
import { BOOLEAN_WORDS, parseBoolean, quote } from '../../support/text.ts';
import { annotationOf } from './known-annotations.ts';
import type { Service } from '../../model/kubernetes-objects.ts';
import { ANNOTATION_PREFIX } from '../../model/kubernetes-names.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import type { ToConsulSettings } from './to-consul-settings.ts';

/** The closed vocabulary: metric label, log field, report of the command line, and documentation. */
export const serviceSkipReasons = {
  'kubernetes-api': 'the Service default/kubernetes is the API server itself',
  'made-by-tandem': 'Tandem created the Service from a Consul service',
  'namespace-denied': 'the namespace is on the deny list (deny beats allow)',
  'namespace-not-allowed': 'the allow list holds neither * nor the namespace',
  'unsupported-type': 'the type of the Service is not known',
  'cluster-ip-off': 'Services of type ClusterIP are not synced, whatever their annotation says',
  'opted-out': 'service-sync is false',
  'not-opted-in': 'service-sync is absent or not a boolean, and syncing is not the default',
} as const;

export const syncReasons = {
  'opted-in': 'service-sync is true',
  'default-on': 'syncing is the default, and service-sync does not say otherwise',
} as const;

export type ServiceSkipReason = keyof typeof serviceSkipReasons;
export type SyncReason = keyof typeof syncReasons;

type Decision =
  | {
      readonly kind: 'skip';
      readonly reason: ServiceSkipReason;
      readonly problems: readonly ServiceProblem[];
    }
  | { readonly kind: 'sync'; readonly reason: SyncReason; readonly problems: readonly ServiceProblem[] };

/**
 *     1  default/kubernetes                                  skip  kubernetes-api
 *     2  made by Tandem                                      skip  made-by-tandem
 *     3  namespace on the deny list                          skip  namespace-denied
 *     4  allow list holds neither * nor the namespace        skip  namespace-not-allowed
 *     5  a type that Kubernetes got after this was written   skip  unsupported-type
 *     6  ClusterIP or headless, and those are switched off   skip  cluster-ip-off
 *     7  service-sync is false                               skip  opted-out
 *     8  service-sync is true                                sync  opted-in
 *     9  service-sync is absent or bad, the default is off   skip  not-opted-in, with a problem when bad
 *    10  service-sync is absent or bad, the default is on    sync  default-on, with a problem when bad
 */
export function decideService(service: Service, settings: ToConsulSettings): Decision {
  const before = decideBeforeAnnotation(service, settings);
  if (before !== undefined) return { kind: 'skip', reason: before, problems: [] };
  const asked = annotationOf(service, 'service-sync');
  const wanted = asked === undefined ? undefined : parseBoolean(asked);
  if (wanted === false) return { kind: 'skip', reason: 'opted-out', problems: [] };
  if (wanted === true) return { kind: 'sync', reason: 'opted-in', problems: [] };
  const problems = asked === undefined ? [] : [notBoolean(asked, settings.defaultSync)];
  return settings.defaultSync
    ? { kind: 'sync', reason: 'default-on', problems }
    : { kind: 'skip', reason: 'not-opted-in', problems };
}

/** Of a Service that would be synced if its annotations said so: what is wrong with them matters. */
export function isByAnnotation(reason: ServiceSkipReason): boolean {
  return reason === 'opted-out' || reason === 'not-opted-in';
}

function decideBeforeAnnotation(
  { namespace, name, type, madeByTandem }: Service,
  { allowNamespaces, denyNamespaces, syncClusterIpServices }: ToConsulSettings,
): ServiceSkipReason | undefined {
  if (namespace === 'default' && name === 'kubernetes') return 'kubernetes-api';
  if (madeByTandem) return 'made-by-tandem';
  if (denyNamespaces.includes(namespace)) return 'namespace-denied';
  if (!allowNamespaces.includes('*') && !allowNamespaces.includes(namespace)) return 'namespace-not-allowed';
  if (type === 'unsupported') return 'unsupported-type';
  return type === 'ClusterIP' && !syncClusterIpServices ? 'cluster-ip-off' : undefined;
}

function notBoolean(found: string, byDefault: boolean): ServiceProblem {
  return {
    reason: 'invalid-sync',
    at: `${ANNOTATION_PREFIX}service-sync`,
    message: `${quote(found)} is not one of ${BOOLEAN_WORDS}; the default (${byDefault ? 'sync' : 'no sync'}) applies until it is one of them`,
  };
}
