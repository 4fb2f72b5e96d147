/** Parts of every injected container: the restricted security context, resources, and values from the pod itself. */
import type { JsonObject } from '../support/json.ts';
import { METRICS_PORT_NAME, type Metrics } from './metrics-options.ts';
import type { InjectSettings, Resources } from './settings.ts';

/**
 * Satisfies the restricted profile (Kubernetes, "Pod Security Standards"). Init container and proxy share one user, so
 * that the files with a token can have mode 0600. If the operator sets no user, the cluster assigns one, as OpenShift
 * does for each namespace.
 */
export function securityContext({ sidecarUser }: Pick<InjectSettings, 'sidecarUser'>): JsonObject {
  return {
    ...(sidecarUser === undefined ? {} : { runAsUser: sidecarUser, runAsGroup: sidecarUser }),
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

const FIELDS = {
  POD_NAME: 'metadata.name',
  POD_NAMESPACE: 'metadata.namespace',
  POD_UID: 'metadata.uid',
  POD_IP: 'status.podIP',
  HOST_IP: 'status.hostIP',
  NODE_NAME: 'spec.nodeName',
} as const;

/** Variables that the kubelet fills from the pod (downward API); they come first, so that later values can use them. */
export function downward(...names: readonly (keyof typeof FIELDS)[]): JsonObject[] {
  return names.map((name) => ({ name, valueFrom: { fieldRef: { fieldPath: FIELDS[name] } } }));
}

/** A variable, or none if there is no value. */
export function variable(name: string, value: string | undefined): JsonObject[] {
  return value === undefined ? [] : [{ name, value }];
}

export function portFields(metrics: Metrics | undefined): JsonObject {
  if (metrics === undefined) return {};
  const { port, isNamed } = metrics;
  return {
    ports: [{ ...(isNamed ? { name: METRICS_PORT_NAME } : {}), containerPort: port, protocol: 'TCP' }],
  };
}

export function resourceFields({ cpu, memory }: Resources): JsonObject {
  const requests = quantities(cpu.request, memory.request);
  const limits = quantities(cpu.limit, memory.limit);
  return {
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
}

function quantities(cpu: string | undefined, memory: string | undefined): JsonObject {
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}
