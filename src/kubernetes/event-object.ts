/** The Event of core/v1 that `kubectl describe` shows below an object. */
import type { JsonObject } from '../support/json.ts';
import { escapeControl } from '../support/text.ts';

/** The object that an Event is about; the UID is what `kubectl describe` looks for. */
export type EventTarget = {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for a kind without namespaces. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
};

export type EventType = 'Normal' | 'Warning';

export type EventSeries = {
  readonly target: EventTarget;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  /** Unique in the namespace. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
};

// The limit of `note` in events.k8s.io/v1, through which the same Event can be read.
const MESSAGE_BYTES = 1024;
// A name may have 253 characters (RFC 1123 subdomain), and the suffix takes up to 32.
const TARGET_CHARACTERS = 220;

/** Path of the Events of the object's namespace; those of an object without one are in `default`. */
export function eventsPath({ namespace = 'default' }: EventTarget): string {
  return `/api/v1/namespaces/${namespace}/events`;
}

/** @param suffix hexadecimal, unique for the object */
export function eventName({ name }: EventTarget, suffix: string): string {
  return `${name.slice(0, TARGET_CHARACTERS).replace(/[^a-z0-9]+$/, '')}.${suffix}`;
}

/** @param instance the replica that reports it */
export function eventObject(series: EventSeries, instance: string): JsonObject {
  const { target, type, reason, message, name, first } = series;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: target.namespace ?? 'default' },
    involvedObject: target,
    type,
    reason,
    message: cut(escapeControl(message)),
    firstTimestamp: time(first),
    ...eventUpdate(series),
    source: { component: 'tandem' },
    reportingComponent: 'tandem',
    reportingInstance: instance,
  };
}

/** What changes when the same happens again, as a merge patch. */
export function eventUpdate({ count, last }: EventSeries): JsonObject {
  return { count, lastTimestamp: time(last) };
}

function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.byteLength <= MESSAGE_BYTES) return message;
  // Three bytes for the ellipsis, and no half character before it.
  return `${bytes
    .subarray(0, MESSAGE_BYTES - 3)
    .toString()
    .replace(/\uFFFD+$/, '')}…`;
}

/** Time of the API: whole seconds. */
function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
