/** Which components have logged in to Consul since their pods started. A token lasts for a day, so an earlier pod may have asked for it. */
import { hasEnded } from '../model/object-status.ts';
import { property, textAt } from '../support/json.ts';

export type ComponentLogin = {
  /** Milliseconds since the epoch, by the clock of Consul. */
  readonly at: number;
  /** Names of the roles of its token. */
  readonly roles: readonly string[];
};

/** Milliseconds since the epoch at which a pod was made; undefined when it is at its end. Throws on no input. */
export function readRunningSince(raw: unknown): number | undefined {
  const metadata = property(raw, 'metadata');
  if (hasEnded(raw) || property(metadata, 'deletionTimestamp') !== undefined) return undefined;
  const made = Date.parse(textAt(metadata, 'creationTimestamp'));
  return Number.isNaN(made) ? undefined : made;
}

// The pods have their times from another clock than the tokens.
const CLOCKS_APART = 60_000;

/**
 * Roles of the tokens that one of these pods may have asked for. Only one of several replicas logs in, so the oldest counts: a roll
 * makes all of them anew.
 *
 * @param since when the pods were made; without one, nobody is logged in
 */
export function rolesInUse(logins: readonly ComponentLogin[], since: readonly number[]): ReadonlySet<string> {
  const first = Math.min(...since) - CLOCKS_APART;
  return new Set(logins.flatMap(({ at, roles }) => (at >= first ? roles : [])));
}
