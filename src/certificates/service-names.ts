/** The names by which the API server and others in the cluster call a Service. */

/** https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#services; the first is what the API server asks for. */
export function serviceDnsNames(name: string, namespace: string): readonly string[] {
  const full = `${name}.${namespace}`;
  return [`${full}.svc`, `${full}.svc.cluster.local`, full, name];
}
