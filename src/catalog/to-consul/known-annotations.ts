/** The annotations of a Service as the sync reads them, and what is wrong with them. */
import { listed } from '../../support/listed.ts';
import { nearest } from '../../support/text.ts';
import type { Service } from '../../model/kubernetes-objects.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import { ANNOTATION_PREFIX, META_PREFIX } from '../../model/kubernetes-names.ts';
import { serviceAnnotations } from '../../model/service-annotations.ts';

type ServiceAnnotation = keyof typeof serviceAnnotations;

/** consul-k8s treats them as absent when they are empty (catalog/to-consul/resource.go). */
const absentWhenEmpty: ReadonlySet<string> = new Set<ServiceAnnotation>(['service-port', 'service-weight']);

export function annotationOf({ annotations }: Service, name: ServiceAnnotation): string | undefined {
  const value = annotations.get(name);
  return value === '' && absentWhenEmpty.has(name) ? undefined : value;
}

/** One for each annotation that looks like a misspelt one of the table; others may belong to somebody else. */
export function misspeltAnnotations({ annotations }: Service): readonly ServiceProblem[] {
  return [...annotations.keys()].flatMap((name): ServiceProblem[] => {
    if (name.startsWith(META_PREFIX) || Object.hasOwn(serviceAnnotations, name)) return [];
    const near = nearest(name, Object.keys(serviceAnnotations));
    if (near === undefined) return [];
    const message = `it is not known and has no effect; did you mean ${ANNOTATION_PREFIX}${near}?`;
    return [{ reason: 'unknown-annotation', at: `${ANNOTATION_PREFIX}${name}`, message }];
  });
}

const NO_MAP: ServiceProblem = {
  reason: 'annotations-no-map',
  at: 'metadata.annotations',
  message:
    'they are not a map, which the API server refuses, and none has an effect; write "name: value" lines without "- "',
};

/** One for each annotation that is no string, and one for those that were too much to keep. */
export function unusableAnnotations(service: Service): readonly ServiceProblem[] {
  const { annotations, notText, leftOut, areNoMap } = service;
  if (areNoMap) return [NO_MAP];
  const unquoted = notText.map((name): ServiceProblem => {
    const message = `${annotations.get(name) || 'nothing'} is not a string, which the API server refuses; put it in quotes`;
    return { reason: 'unquoted-annotation', at: `${ANNOTATION_PREFIX}${name}`, message };
  });
  const [first, ...others] = leftOut;
  if (first === undefined) return unquoted;
  const names = listed(['this annotation', ...others], 1);
  const message = `the annotations that are kept of one Service have a limit, which leaves out ${names}; shorten or remove annotations`;
  return [...unquoted, { reason: 'too-much-annotation', at: `${ANNOTATION_PREFIX}${first}`, message }];
}
