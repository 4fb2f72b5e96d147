/** Signs what a step of `tandem secure` needs: a new CA, and the leaves of agents. */
import { crossSigned, newCa, newLeaf } from '../certificates/sign.ts';
import type { AgentSecret } from '../secure/agent-secret.ts';
import { CA_LIFE, LEAF_LIFE } from '../secure/certificates.ts';
import type { SecureState } from '../secure/secure-state.ts';
import type { SecureStep } from '../secure/secure-step.ts';
import { behindLeaf, topOf, waysToEarlier } from '../secure/signing-ca.ts';

/** @param now milliseconds since the epoch */
export function withNewCa(
  { before, brought, isCrossSigned }: Extract<SecureStep, { kind: 'new-ca' }>,
  now: number,
): SecureState {
  const next = brought ?? { ...newCa({ now, life: CA_LIFE }), others: '' };
  const { ca } = before;
  const top = topOf(next);
  const isSame = ca !== undefined && top === topOf(ca);
  const crossed =
    isCrossSigned && ca !== undefined
      ? waysToEarlier(top, crossSigned(top, ca, now) + behindLeaf(ca), now)
      : undefined;
  return { ...before, ca: { ...next, cross: isSame ? ca.cross : crossed } };
}

/** Unchanged when no leaf is asked for. */
export function withNewLeaf(
  { after, leaf }: Extract<SecureStep, { kind: 'write-secret' }>,
  state: SecureState | undefined,
  now: number,
): AgentSecret {
  const ca = state?.ca;
  if (leaf === undefined || ca === undefined) return after;
  const made = newLeaf(ca, leaf, { now, life: LEAF_LIFE });
  return { ...after, certificate: made.certificate + behindLeaf(ca), key: made.key };
}
