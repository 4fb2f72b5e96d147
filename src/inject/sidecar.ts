/** The sidecars of a pod: one for each of its services. */
import type { JsonObject } from '../support/json.ts';
import type { MeshPod } from './mesh-pod.ts';
import { DATA_PATH, DATA_VOLUME, TOKEN_PATH } from './names.ts';
import type { PodService } from './service.ts';
import { accountVolume } from './several-services.ts';
import { tokenMount } from './sidecar-plan.ts';

export type Sidecar = {
  readonly service: PodService;
  /** Of the service in the pod; added to each port of the first sidecar. */
  readonly index: number;
  /** Behind the names of its containers; empty for the only one. */
  readonly suffix: string;
  /** The pod's own, for the first service. */
  readonly upstreams: MeshPod['upstreams'];
  readonly metrics: MeshPod['metrics'];
  readonly proxyConfig: JsonObject;
  /** Envoys of one pod share its network, where each has a socket named after this. */
  readonly baseId: readonly string[];
  readonly dataMount: JsonObject;
  readonly tokenMount: JsonObject;
};

/** With what `registrationOf` gives for it. */
export type RegisteredSidecar = Sidecar & { readonly registration: string };

export function sidecarsOf(mesh: MeshPod): readonly Sidecar[] {
  const isAlone = mesh.services.length === 1;
  return mesh.services.map((service, index) => ({
    service,
    index,
    suffix: isAlone ? '' : `-${service.name}`,
    upstreams: index === 0 ? mesh.upstreams : [],
    metrics: index === 0 ? mesh.metrics : undefined,
    proxyConfig: index === 0 ? mesh.proxyConfig : withoutMetrics(mesh.proxyConfig),
    baseId: isAlone ? [] : ['--base-id', String(index)],
    dataMount: {
      name: DATA_VOLUME,
      mountPath: DATA_PATH,
      ...(index === 0 ? {} : { subPath: service.name }),
    },
    tokenMount: mesh.otherAccounts.includes(service.name)
      ? { name: accountVolume(service.name), mountPath: TOKEN_PATH, readOnly: true }
      : tokenMount,
  }));
}

const METRICS_LISTENER = 'envoy_stats_bind_addr';

/** Two proxies cannot listen on one address. */
function withoutMetrics(config: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(config).filter(([key]) => key !== METRICS_LISTENER));
}

/**
 * The tokens of the ServiceAccounts other than the pod's own, for which the kubelet gives the pod no token. Kubernetes, "Manually
 * create a long-lived API token for a ServiceAccount": each is in a Secret, here named like the ServiceAccount.
 */
export function accountVolumes({ otherAccounts }: MeshPod): readonly JsonObject[] {
  return otherAccounts.map((account) => ({
    name: accountVolume(account),
    secret: { secretName: account, items: [{ key: 'token', path: 'token' }] },
  }));
}
