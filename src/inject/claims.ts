/**
 * Whether a pod that claims to be injected really is. Anyone who can create a pod can write the annotation, the label
 * and the record; without the containers they would only keep the webhook away.
 */
import { RECORD_ANNOTATION, STATUS } from '../model/kubernetes-names.ts';
import { elementsAt, property, textAt } from '../support/json.ts';
import { DATAPLANE_CONTAINER, ENVOY_CONTAINER, INIT_CONTAINER } from './names.ts';
import type { Problem } from '../model/problem.ts';

/** What claims that the pod is injected, as its author would look for it; empty texts claim nothing. */
export function injectionClaims(pod: unknown): readonly string[] {
  const metadata = property(pod, 'metadata');
  const [annotations, labels] = [property(metadata, 'annotations'), property(metadata, 'labels')];
  return [
    ...(isGiven(annotations, STATUS) ? [`the annotation ${STATUS}`] : []),
    ...(isGiven(labels, STATUS) ? [`the label ${STATUS}`] : []),
    ...(isGiven(annotations, RECORD_ANNOTATION) ? [`the annotation ${RECORD_ANNOTATION}`] : []),
  ];
}

function isGiven(map: unknown, key: string): boolean {
  return (property(map, key) ?? '') !== '';
}

/**
 * Names of proxies: ours, and those of consul-k8s, whose webhook may have come first. It called them
 * `consul-connect-envoy-sidecar` until 0.23 and `envoy-sidecar` until 0.49; for a pod with several services the name of each service
 * follows (control-plane/connect-inject, consul_dataplane_sidecar.go and container_init.go; connect-inject/envoy_sidecar.go).
 */
const PROXIES = [DATAPLANE_CONTAINER, ENVOY_CONTAINER, 'envoy-sidecar'];
/** Proxies whose configuration is written before they start: without it they are not in the mesh. */
const PROXIES_WITH_INIT = [ENVOY_CONTAINER, 'envoy-sidecar'];

/** A proxy that runs as long as the application does, and the init container that it needs. */
export function hasSidecar(pod: unknown): boolean {
  const spec = property(pod, 'spec');
  const init = elementsAt(spec, 'initContainers');
  const running = [
    ...elementsAt(spec, 'containers'),
    ...init.filter((container) => property(container, 'restartPolicy') === 'Always'),
  ];
  const proxies = running.filter((container) => isNamed(container, PROXIES));
  const needsInit = proxies.every((container) => isNamed(container, PROXIES_WITH_INIT));
  return proxies.length > 0 && (!needsInit || init.some((container) => isNamed(container, [INIT_CONTAINER])));
}

export function falseClaim(claims: readonly string[]): Problem {
  return {
    at: claims[0]?.replace(/^the (annotation|label) /, '') ?? STATUS,
    message: `the pod claims to be injected and is not: it has neither the sidecar ${DATAPLANE_CONTAINER}, nor ${ENVOY_CONTAINER} with the init container ${INIT_CONTAINER}; remove ${claims.join(' and ')}, so that the webhook injects it`,
  };
}

function isNamed(container: unknown, names: readonly string[]): boolean {
  const name = textAt(container, 'name');
  return names.some((each) => name === each || name.startsWith(`${each}-`));
}
