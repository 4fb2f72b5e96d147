/** A Lease of coordination.k8s.io/v1: what it says, and what is written to it. */
import { asString, property, textAt, type JsonObject } from '../support/json.ts';

export type LeaseRecord = {
  readonly version: string;
  /** Empty when nobody holds it. */
  readonly holder: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly transitions: number;
  readonly acquired: string | undefined;
  /** The object as it was read: what others wrote to it is kept. */
  readonly object: JsonObject;
};

/** Undefined when it is not a Lease. */
export function leaseRecord(object: unknown): LeaseRecord | undefined {
  const spec = property(object, 'spec');
  const version = asString(property(property(object, 'metadata'), 'resourceVersion'));
  if (version === undefined) return undefined;
  return {
    version,
    holder: textAt(spec, 'holderIdentity'),
    duration: asNumber(property(spec, 'leaseDurationSeconds')) * 1000,
    transitions: asNumber(property(spec, 'leaseTransitions')),
    acquired: asString(property(spec, 'acquireTime')),
    object: object as JsonObject,
  };
}

/**
 * The spec that makes this holder the holder; an empty one releases the Lease.
 *
 * @param duration milliseconds; the API counts in whole seconds
 * @param now milliseconds since the epoch; nobody decides by it, people read it
 */
export function leaseSpec(
  before: LeaseRecord | undefined,
  holder: string,
  duration: number,
  now: number,
): JsonObject {
  const isSame = before?.holder === holder;
  const isTaken = before !== undefined && !isSame && holder !== '';
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Math.max(1, Math.ceil(duration / 1000)),
    acquireTime: isSame && before.acquired !== undefined ? before.acquired : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (before?.transitions ?? 0) + (isTaken ? 1 : 0),
  };
}

/** MicroTime of the API: six digits, no fewer. */
function microTime(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z');
}

function asNumber(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
