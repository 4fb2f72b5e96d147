/** The rotation as a decision: what the Secret holds, what is published, and the time → what the leader does next. */
import { dueAt } from '../support/known-certificate.ts';
import { isCurrent, isDue, type Ca, type Serving } from './certificate-facts.ts';
import type { OlderCa } from './secret-content.ts';

/** Milliseconds. A CA should live for at least three lives of what it signs, so that old CAs leave before they are many. */
export type RotationTimes = {
  readonly caLife: number;
  readonly servingLife: number;
  /** How long a CA is published before a certificate is served that only this CA covers. */
  readonly settle: number;
};

/** One entry of the webhook configuration. */
export type PublishedEntry = {
  /** `caBundle` as PEM. */
  readonly bundle: string;
  readonly cas: readonly Ca[];
};

export type RotationState = {
  /** Milliseconds since the epoch, of the clock that judges the certificates: that of the API server. */
  readonly now: number;
  readonly isSecretThere: boolean;
  readonly ca: Ca | undefined;
  readonly older: readonly OlderCa[];
  readonly serving: Serving | undefined;
  /** Empty while the webhook configuration is not there. */
  readonly entries: readonly PublishedEntry[];
  /** How long every entry has had the CA that signs, as far as this process knows; undefined when an entry does not have it. */
  readonly publishedFor: number | undefined;
  /** Bundles as PEM that are kept in step, and for which no certificate waits. */
  readonly alsoKept: readonly string[];
};

export type Step =
  | { readonly kind: 'keep'; readonly reason: 'nothing-due'; readonly until: number }
  | {
      readonly kind: 'wait';
      readonly reason: 'ca-not-settled' | 'no-configuration';
      readonly until: number;
    }
  | {
      readonly kind: 'new-ca';
      readonly reason: 'secret-absent' | 'ca-unusable' | 'ca-due';
      readonly older: readonly OlderCa[];
    }
  | { readonly kind: 'keep-ca'; readonly reason: 'ca-unknown'; readonly older: readonly OlderCa[] }
  | { readonly kind: 'publish'; readonly reason: 'bundle-differs'; readonly bundle: string }
  | {
      readonly kind: 'issue';
      readonly reason: 'serving-unusable' | 'serving-due' | 'other-ca' | 'other-hosts';
    }
  | { readonly kind: 'forget-ca'; readonly reason: 'ca-gone'; readonly older: readonly OlderCa[] };

/**
 * The first line that applies:
 *
 * | state                                                       | step        |
 * | ----------------------------------------------------------- | ----------- |
 * | no usable CA that signs, or a third of its life is left     | `new-ca`    |
 * | an older or a published CA of which nobody knows the end    | `keep-ca`   |
 * | an entry does not have exactly the CAs that have not left   | `publish`   |
 * | nothing to serve that is good and signed by the CA          | `issue`     |
 * | … but the CA is not published for long enough               | `wait`      |
 * | a CA that has left, and is published no more                | `forget-ca` |
 * | nothing to write, but a bundle that is also kept differs    | `publish`   |
 * | otherwise                                                   | `keep`      |
 *
 * Why an admission never fails: a replica serves a certificate only when its CA has been published for long enough, and a CA
 * leaves the bundle only when everything that it signed has expired. It signs nothing once its successor is in the Secret, because
 * whoever writes the Secret names the version that it has read.
 */
export function nextStep(state: RotationState, times: RotationTimes): Step {
  const { now, ca } = state;
  const older = olderCas(state, now + times.servingLife);
  const caProblem = problemOfCa(state);
  if (ca === undefined || caProblem !== undefined) {
    const retired = ca === undefined ? older : [{ ...ca, leavesAt: now + times.servingLife }, ...older];
    return { kind: 'new-ca', reason: caProblem ?? 'ca-unusable', older: retired };
  }
  if (older.length !== state.older.length || state.older.some(({ leavesAt }) => leavesAt === undefined))
    return { kind: 'keep-ca', reason: 'ca-unknown', older };
  const staying = state.older.filter((each) => !hasLeft(each, now));
  const bundle = [ca, ...staying].map(({ certificate }) => certificate).join('');
  const publish: Step = { kind: 'publish', reason: 'bundle-differs', bundle };
  if (state.entries.some((entry) => entry.bundle !== bundle)) return publish;
  const next = afterPublishing(state, ca, staying, times);
  // Last of all: pods do not wait for a bundle that cannot be written.
  const isIdle = next.kind === 'keep' || next.kind === 'wait';
  return isIdle && state.alsoKept.some((each) => each !== bundle) ? publish : next;
}

function afterPublishing(
  state: RotationState,
  ca: Ca,
  staying: readonly OlderCa[],
  { settle }: RotationTimes,
): Step {
  const servingProblem = problemOfServing(state, ca);
  if (servingProblem !== undefined)
    return waiting(state, ca, settle) ?? { kind: 'issue', reason: servingProblem };
  if (staying.length < state.older.length) return { kind: 'forget-ca', reason: 'ca-gone', older: staying };
  return { kind: 'keep', reason: 'nothing-due', until: nextDue(state, ca) };
}

function problemOfCa({
  now,
  ca,
  isSecretThere,
}: RotationState): 'secret-absent' | 'ca-unusable' | 'ca-due' | undefined {
  if (!isSecretThere) return 'secret-absent';
  if (ca === undefined || !isCurrent(ca, now)) return 'ca-unusable';
  return isDue(ca, now) ? 'ca-due' : undefined;
}

function problemOfServing(
  { now, serving }: RotationState,
  ca: Ca,
): Extract<Step, { kind: 'issue' }>['reason'] | undefined {
  if (serving === undefined || !isCurrent(serving, now)) return 'serving-unusable';
  if (serving.issuer !== ca.id) return 'other-ca';
  if (!serving.isForHosts) return 'other-hosts';
  return isDue(serving, now) ? 'serving-due' : undefined;
}

/** Those of the Secret, and what is published beside them: a replica may still serve what such a CA has signed. */
function olderCas({ now, ca, older, entries }: RotationState, leavesAt: number): readonly OlderCa[] {
  const known = new Map<string, OlderCa>(
    older.map((each) => [each.id, { ...each, leavesAt: each.leavesAt ?? leavesAt }]),
  );
  for (const published of entries.flatMap(({ cas }) => cas))
    if (published.id !== ca?.id && !known.has(published.id) && isCurrent(published, now))
      known.set(published.id, { ...published, leavesAt });
  return [...known.values()];
}

function waiting(state: RotationState, ca: Ca, settle: number): Step | undefined {
  const { now, entries, publishedFor = 0 } = state;
  if (entries.length === 0) return { kind: 'wait', reason: 'no-configuration', until: Infinity };
  const left = settleLeft({ now, entries, publishedFor }, ca.id, settle);
  return left === 0 ? undefined : { kind: 'wait', reason: 'ca-not-settled', until: now + left };
}

/**
 * Milliseconds until every API server can be relied on to know the CA. Where no other CA counts, nothing can be in use that is
 * worth waiting for.
 *
 * @param publishedFor milliseconds for which every entry has had the CA
 */
export function settleLeft(
  { now, entries, publishedFor }: Pick<RotationState, 'now' | 'entries'> & { readonly publishedFor: number },
  id: string,
  settle: number,
): number {
  const hasOthers = entries.some(({ cas }) => cas.some((ca) => ca.id !== id && now < ca.expires));
  return hasOthers ? Math.max(0, settle - publishedFor) : 0;
}

function nextDue({ serving, older }: RotationState, ca: Ca): number {
  const due = [ca, ...(serving === undefined ? [] : [serving])].map(dueAt);
  return Math.min(...due, ...older.map(({ leavesAt = Infinity, expires }) => Math.min(leavesAt, expires)));
}

function hasLeft({ leavesAt = Infinity, expires }: OlderCa, now: number): boolean {
  return now >= Math.min(leavesAt, expires);
}
