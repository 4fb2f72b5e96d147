/** How injected pods reach Consul, and whom they trust. They keep both, so a stage may cut some of them off, and a CA may live on in them. */
import { environmentOf } from '../inject/expand.ts';
import { argumentsOf, logsInByDataplane, logsInByInit } from '../inject/injected-pod.ts';
import { DATAPLANE_CONTAINER, INIT_CONTAINER } from '../inject/names.ts';
import { isConditionTrue } from '../model/object-status.ts';
import { CA_ID_ANNOTATION } from '../model/kubernetes-names.ts';
import { certificateIds, readIds } from '../support/certificate-ids.ts';
import { elementsAt, property, textAt } from '../support/json.ts';
import { runningPod } from './named-pods.ts';
import type { SecureSettings } from './secure-settings.ts';
import type { SecureState } from './secure-state.ts';

export type PodAccess = {
  /** `namespace/name` */
  readonly pod: string;
  readonly tls: boolean;
  readonly login: boolean;
  /** Its init containers, a native sidecar among them, have come up. */
  readonly isInitialized: boolean;
  /** `certificateIds` of the CAs that it trusts; none when that is not known. */
  readonly cas: readonly string[];
};

/** Undefined for what has no sidecar of ours, and for what has come to its end. Throws on no input. */
export function readPodAccess(raw: unknown): PodAccess | undefined {
  const pod = runningPod(raw);
  if (pod === undefined) return undefined;
  const annotations = property(property(raw, 'metadata'), 'annotations');
  const cas = readIds(textAt(annotations, CA_ID_ANNOTATION));
  const isInitialized = isConditionTrue(raw, 'Initialized');
  const init = environmentOf(containerOf(raw, INIT_CONTAINER), new Map());
  const scheme = init.get('TANDEM_SCHEME');
  if (scheme !== undefined)
    return { pod, tls: scheme === 'https://', login: logsInByInit(init), isInitialized, cas };
  const sidecar = containerOf(raw, DATAPLANE_CONTAINER);
  if (!Array.isArray(property(sidecar, 'args'))) return undefined;
  const args = argumentsOf(sidecar);
  return { pod, tls: !args.has('-tls-disabled'), login: logsInByDataplane(args), isInitialized, cas };
}

/** Pods that would lose Consul if plain ports were closed and calls without a token refused. */
export function cutOff(
  { tls, acls }: Pick<SecureSettings, 'tls' | 'acls'>,
  pods: readonly PodAccess[],
): readonly PodAccess[] {
  return pods.filter((each) => (tls && !each.tls) || (acls && !each.login));
}

/** Pods that still accept what a distrusted CA signs; if that is unknown, the pod was injected before it was recorded. */
export function trustsDistrusted(
  { distrusted }: Pick<SecureState, 'distrusted'>,
  pods: readonly PodAccess[],
): readonly PodAccess[] {
  if (distrusted.length === 0) return [];
  const ids = new Set(distrusted.flatMap(({ certificate }) => certificateIds(certificate)));
  return pods.filter(({ tls, cas }) => tls && (cas.length === 0 || cas.some((id) => ids.has(id))));
}

/** Of several services, the first. */
function containerOf(raw: unknown, name: string): unknown {
  const spec = property(raw, 'spec');
  const all = ['initContainers', 'containers'].flatMap((list) => elementsAt(spec, list));
  return all.find((each) => {
    const found = textAt(each, 'name');
    return found === name || found.startsWith(`${name}-`);
  });
}
