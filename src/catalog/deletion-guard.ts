/** A plan that would remove much is more often a broken read than a wish: it must be seen twice. */
import { indexed } from '../model/instance.ts';

export type GuardDecision =
  | { readonly kind: 'apply' }
  /** Read both sides again, and ask `confirm` with the plan that comes of it. */
  | {
      readonly kind: 'confirm';
      /** Removals that nobody has confirmed. */
      readonly removals: number;
      readonly limit: number;
      readonly owned: number;
    };

/** The part of a plan that takes something away, in either direction. */
export type Removals = { readonly deregister: readonly { readonly id: string }[] };

// Below ten, a share of a small number says nothing: three of five instances is one Service that went.
const ALWAYS_ALLOWED = 10;
const ALLOWED_PERCENT = 30;

/**
 * Judges a whole pass at once: the same removals in several small plans would each pass.
 *
 * @param owned number of instances in Consul, or objects in Kubernetes, that are ours, before the plan
 */
export function guardDeletions({ deregister }: Removals, owned: number): GuardDecision {
  return judge(deregister.length, owned);
}

/**
 * What the first plan would have removed as well is confirmed. The rest is judged like a plan of its own, so that a
 * cluster in which something always changes gets to an end.
 *
 * @param second of reads that began after the first plan was made
 */
export function confirmDeletions(first: Removals, second: Removals, owned: number): GuardDecision {
  const seen = new Set(first.deregister.map(({ id }) => indexed(id)));
  return judge(second.deregister.filter(({ id }) => !seen.has(indexed(id))).length, owned);
}

function judge(removals: number, owned: number): GuardDecision {
  const limit = Math.max(ALWAYS_ALLOWED, Math.floor((owned * ALLOWED_PERCENT) / 100));
  return removals > limit ? { kind: 'confirm', removals, limit, owned } : { kind: 'apply' };
}
