/** What was decided about the traffic of an injected pod, read from its record. */
import { RECORD_ANNOTATION } from '../model/kubernetes-names.ts';
import { asString, property } from '../support/json.ts';
import { annotationKey } from './annotations.ts';
import { parseRecord, type RecordedProbe } from './record.ts';
import { exclusionNames, splitExclusions } from './redirect-lists.ts';

export type RedirectionExplanation = {
  readonly isRedirected: boolean;
  /** `annotation`, `namespace` or `flag`; `default` where nobody asked. */
  readonly askedBy: string;
  /** `init` or `node`; undefined when nothing is redirected. */
  readonly way: string | undefined;
  readonly excluded: readonly Exclusion[];
  readonly probes: readonly RecordedProbe[];
  /** The sidecar answers the DNS of the pod. */
  readonly hasConsulDns: boolean;
};

type Exclusion = {
  /** `inbound-ports`, `uids`. */
  readonly what: string;
  readonly elements: readonly string[];
  readonly annotation: string;
};

/** Undefined for a pod without a record. */
export function explainRedirection(pod: unknown): RedirectionExplanation | undefined {
  const annotations = property(property(pod, 'metadata'), 'annotations');
  const text = (name: string): string | undefined => asString(property(annotations, name));
  const record = parseRecord(text(RECORD_ANNOTATION) ?? '');
  if (record === undefined) return undefined;
  const { redirect } = record;
  if (redirect === undefined) {
    const askedBy = text(annotationKey('transparent-proxy')) === undefined ? 'default' : 'annotation';
    return { isRedirected: false, askedBy, way: undefined, excluded: [], probes: [], hasConsulDns: false };
  }
  return {
    isRedirected: true,
    askedBy: redirect.askedBy,
    way: redirect.way,
    probes: redirect.probes,
    hasConsulDns: redirect.dns !== undefined,
    excluded: exclusionNames
      .map((name) => ({
        what: name.replace('transparent-proxy-exclude-', ''),
        elements: splitExclusions(text(annotationKey(name)) ?? ''),
        annotation: annotationKey(name),
      }))
      .filter(({ elements }) => elements.length > 0),
  };
}
