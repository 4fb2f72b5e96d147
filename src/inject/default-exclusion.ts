/** Namespaces that get no sidecar merely because injection is the default; a pod in them that asks gets one. */
import { matchesGlob } from '../support/glob.ts';

/**
 * They belong to whoever provides the cluster: a sidecar that cannot start must not keep volumes, networks or the
 * cluster's own monitoring from starting.
 *
 * | pattern | of |
 * | --- | --- |
 * | local-path-storage | the provisioner of kind and k3s (rancher/local-path-provisioner) |
 * | openebs | OpenEBS, another provisioner |
 * | gmp-*, gke-managed-* | GKE: Managed Service for Prometheus, and what GKE manages itself |
 * | openshift, openshift-* | the operators of OpenShift |
 */
export const PROVIDER_NAMESPACES = [
  'local-path-storage',
  'openebs',
  'gmp-*',
  'gke-managed-*',
  'openshift',
  'openshift-*',
] as const;

/** @param more patterns of the operator */
export function isExcludedByDefault(namespace: string, more: readonly string[]): boolean {
  return [...PROVIDER_NAMESPACES, ...more].some((pattern) => matchesGlob(pattern, namespace));
}
