/** The gossip keyring of the members: a new key reaches all members before any of them uses it, and an older one is removed last. */
import type { Keyring, SecureObserved } from './observed.ts';
import type { SecureState } from './secure-state.ts';

export type KeyringStep = {
  readonly kind: 'keyring';
  readonly operation: 'install' | 'use' | 'remove';
  readonly reason: 'member-lacks-it' | 'not-primary' | 'older-key';
  readonly key: string;
};

// A member that was away for a moment comes back with the key that it had.
const SETTLE = 10 * 60_000;

/** @param isLoaded every agent has loaded a Secret with the next key */
export function keyringStep(
  { keyring, memory, now }: SecureObserved,
  { gossip, nextGossip }: SecureState,
  isLoaded: boolean,
): KeyringStep | undefined {
  if (keyring.kind === 'unknown') return undefined;
  const { rings } = keyring;
  const wanted = nextGossip ?? gossip;
  if (wanted === undefined) return undefined;
  if (rings.some(({ members, keys }) => (keys[wanted] ?? 0) < members))
    return { kind: 'keyring', operation: 'install', reason: 'member-lacks-it', key: wanted };
  if (!isPrimary(keyring, wanted))
    return isLoaded || nextGossip === undefined
      ? { kind: 'keyring', operation: 'use', reason: 'not-primary', key: wanted }
      : undefined;
  const older = rings.flatMap(({ keys }) => Object.keys(keys)).find((key) => key !== wanted);
  const isSettled = memory.primarySince !== undefined && now >= memory.primarySince + SETTLE;
  return older !== undefined && nextGossip === undefined && isSettled
    ? { kind: 'keyring', operation: 'remove', reason: 'older-key', key: older }
    : undefined;
}

/** Every member uses this key first; false while nobody knows. */
export function isPrimary(keyring: Keyring, key: string): boolean {
  return keyring.kind === 'known' && keyring.rings.every(({ members, primary }) => primary[key] === members);
}

/** When the older key may be removed; undefined while there is none. */
export function removalDue({ keyring, memory }: SecureObserved): number | undefined {
  if (keyring.kind === 'unknown' || memory.primarySince === undefined) return undefined;
  const hasOlder = keyring.rings.some(({ keys }) => Object.keys(keys).length > 1);
  return hasOlder ? memory.primarySince + SETTLE : undefined;
}
