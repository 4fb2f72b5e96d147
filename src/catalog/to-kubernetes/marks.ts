/** What Tandem writes on every object that it makes from a service of Consul, and what says that an object is ours. */
import type { JsonObject } from '../../support/json.ts';

/** Whose object it is; without it, or with another owner, an object is never changed or removed. */
export const OWNER_ANNOTATION = 'tandem/owner';
/** Name in Consul of the service that it was made from. */
export const SOURCE_ANNOTATION = 'tandem/consul-service';
/** Kubernetes, "Well-Known Labels, Annotations and Taints". */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

export type Marks = {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

export function serviceMarks(owner: string, source: string): Marks {
  return {
    labels: { consul: 'true', 'app.kubernetes.io/managed-by': 'tandem' },
    annotations: {
      [OWNER_ANNOTATION]: owner,
      [SOURCE_ANNOTATION]: source,
      'consul.hashicorp.com/service-sync': 'false',
    },
  };
}

/** @param service name of the Service that the slice belongs to */
export function sliceMarks(owner: string, source: string, service: string): Marks {
  const { labels, annotations } = serviceMarks(owner, source);
  return {
    // The second is how the controllers of Kubernetes know that a slice is none of theirs (discovery.k8s.io/v1).
    labels: { ...labels, [SERVICE_NAME_LABEL]: service, 'endpointslice.kubernetes.io/managed-by': 'tandem' },
    annotations,
  };
}

/** Those of the wanted marks that an object does not have; what others wrote beside them is theirs. */
export function missingMarks(wanted: Marks, found: Marks): Partial<Marks> {
  const labels = missing(wanted.labels, found.labels);
  const annotations = missing(wanted.annotations, found.annotations);
  return { ...(labels && { labels }), ...(annotations && { annotations }) };
}

function missing(
  wanted: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const differing = Object.entries(wanted).filter(([key, value]) => found[key] !== value);
  return differing.length === 0 ? undefined : Object.fromEntries(differing);
}

/** `metadata` of a new object. */
export function metadataOf(namespace: string, name: string, { labels, annotations }: Marks): JsonObject {
  return { namespace, name, labels, annotations };
}
