/** What Tandem writes on every object that it creates from a Consul service, and what says that an object is ours. */
import { MANAGED_BY } from '../../model/consul-names.ts';
import {
  ANNOTATION_PREFIX,
  MANAGED_BY_LABEL,
  OWNER_ANNOTATION,
  SERVICE_NAME_LABEL,
  SOURCE_ANNOTATION,
} from '../../model/kubernetes-names.ts';

export type Marks = {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

export function serviceMarks(owner: string, source: string): Marks {
  return {
    labels: { consul: 'true', [MANAGED_BY_LABEL]: MANAGED_BY },
    annotations: {
      [OWNER_ANNOTATION]: owner,
      [SOURCE_ANNOTATION]: source,
      [`${ANNOTATION_PREFIX}service-sync`]: 'false',
    },
  };
}

/** @param service name of the Service that the slice belongs to */
export function sliceMarks(owner: string, source: string, service: string): Marks {
  const { labels, annotations } = serviceMarks(owner, source);
  return {
    // The second is how the controllers of Kubernetes know that a slice is none of theirs (discovery.k8s.io/v1).
    labels: {
      ...labels,
      [SERVICE_NAME_LABEL]: service,
      'endpointslice.kubernetes.io/managed-by': MANAGED_BY,
    },
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
