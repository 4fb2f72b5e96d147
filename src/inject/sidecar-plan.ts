/** What a mode adds to a pod, before it becomes edits. */
import type { JsonObject } from '../support/json.ts';
import { CA_ID_ANNOTATION } from '../model/kubernetes-names.ts';
import { writeIds } from '../support/certificate-ids.ts';
import { TOKEN_PATH, TOKEN_VOLUME } from './names.ts';
import type { ConsulAccess } from './settings.ts';

export type SidecarPlan = {
  readonly volumes: readonly JsonObject[];
  /** Before the user's init containers, in this order. */
  readonly initContainers: readonly JsonObject[];
  /** After them. */
  readonly lastInitContainers?: readonly JsonObject[];
  /** After the user's containers. */
  readonly containers: readonly JsonObject[];
  /** Annotations besides those of every injected pod. */
  readonly annotations: ReadonlyMap<string, string>;
};

/**
 * The token by which a pod logs in to Consul. A volume of its own: the one that Kubernetes mounts may be turned off
 * (`automountServiceAccountToken: false`).
 */
export function tokenVolumes({ authMethod, authAudience }: ConsulAccess): readonly JsonObject[] {
  if (authMethod === undefined) return [];
  const audience = authAudience === undefined ? {} : { audience: authAudience };
  const serviceAccountToken = { path: 'token', expirationSeconds: 3600, ...audience };
  return [{ name: TOKEN_VOLUME, projected: { sources: [{ serviceAccountToken }] } }];
}

/** Which CAs the pod trusts: `tandem secure --plan` names the pods that still trust a distrusted one. */
export function trustAnnotation({ tls, caIds }: ConsulAccess): readonly (readonly [string, string])[] {
  return tls && caIds.length > 0 ? [[CA_ID_ANNOTATION, writeIds(caIds)]] : [];
}

export const tokenMount: JsonObject = { name: TOKEN_VOLUME, mountPath: TOKEN_PATH, readOnly: true };
