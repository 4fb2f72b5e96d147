/** The CA of the agents, own or brought: which of its certificates are trusted, which follow each leaf, and when it is dropped. */
import { type CertificateLife, certificatesIn, isSignedBy } from '../support/known-certificate.ts';
import { isAlive, LEAF_LIFE } from './certificates.ts';
import type { BroughtCa } from './brought.ts';
import type { RetiredCa, SecureState, SigningCa } from './secure-state.ts';

/** The CA that signs first; each once. */
export function bundleOf(state: SecureState | undefined): string {
  const own = state?.ca === undefined ? [] : [state.ca.certificate, state.ca.others];
  const older = (state?.older ?? []).map(({ certificate }) => certificate);
  return certificatesIn([...own, ...older].join(''))
    .map(({ pem }) => pem)
    .join('');
}

/**
 * The way up to its root, when it is no root itself; then what leads from that root to earlier CAs, for those who know nothing
 * newer. In this order, whoever knows the root looks no further: OpenSSL takes the first certificate of a name, and no other.
 */
export function behindLeaf({ certificate, others, cross }: SigningCa): string {
  return wayUp(certificate, pemsIn(others)).slice(0, -1).join('') + (cross ?? '');
}

/** The last of those that signed it, or itself. */
export function topOf({ certificate, others }: Pick<SigningCa, 'certificate' | 'others'>): string {
  return wayUp(certificate, pemsIn(others)).at(-1) ?? certificate;
}

/** From this one on, with the root. */
function wayUp(pem: string, above: readonly string[]): readonly string[] {
  const next = isSignedBy(pem, pem) ? undefined : above.find((each) => isSignedBy(pem, each));
  const rest = above.filter((each) => each !== next);
  return next === undefined ? [pem] : [pem, ...wayUp(next, rest)];
}

// Each has 0.6 to 1.5 kB, and a client accepts a chain of 64 kB and more; nobody lives through so many rotations without a restart.
const MOST_EARLIER = 16;

/**
 * The certificates that lead from a root to earlier CAs, the last one first. If CAs alternate, the chain leads back to an earlier one;
 * that part is left out, or it would grow with each change.
 *
 * @param root PEM
 * @param ways PEM of certificates, in the order in which they lead on
 * @param now milliseconds since the epoch
 */
export function waysToEarlier(root: string, ways: string, now: number): string {
  const all = certificatesIn(ways).filter((each) => isAlive(each, now));
  const pems = all.map(({ pem }) => pem);
  const kept: string[] = [];
  for (const pem of pems) {
    const hasBeen = [root, ...pems].some(
      (signer) =>
        isSignedBy(pem, signer) && (signer === root || kept.some((each) => isSignedBy(each, signer))),
    );
    if (!hasBeen) kept.push(pem);
  }
  return kept.slice(0, MOST_EARLIER).join('');
}

function pemsIn(text: string): readonly string[] {
  return certificatesIn(text).map(({ pem }) => pem);
}

export function isSameCa(ca: SigningCa | undefined, brought: BroughtCa): boolean {
  return ca?.certificate === brought.certificate && ca.key === brought.key && ca.others === brought.others;
}

/**
 * CAs that stay trusted until nothing that they signed is served any more; the next CA may bring some of them along.
 *
 * @param served leaves that agents have now
 */
export function retire(
  { ca, older }: SecureState,
  next: BroughtCa | undefined,
  served: readonly CertificateLife[],
  now: number,
): readonly RetiredCa[] {
  const staying = new Set(
    certificatesIn(next === undefined ? '' : next.certificate + next.others).map(({ id }) => id),
  );
  const lastServed = Math.max(now + LEAF_LIFE, ...served.map(({ expires }) => expires));
  const retired = certificatesIn(ca === undefined ? '' : ca.certificate + ca.others).map(
    ({ pem, expires }) => ({ certificate: pem, leavesAt: Math.min(lastServed, expires) }),
  );
  return [...retired, ...older].filter(({ certificate }) =>
    certificatesIn(certificate).every(({ id }) => !staying.has(id)),
  );
}

/** Each of these leaves as soon as no agent serves what it signed. */
export function distrust(state: SecureState, older: readonly RetiredCa[], now: number): SecureState {
  const known = new Map(state.distrusted.map((each) => [each.certificate, each]));
  for (const { pem, expires } of certificatesIn(older.map(({ certificate }) => certificate).join('')))
    known.set(pem, { certificate: pem, leavesAt: expires });
  return {
    ...state,
    older: older.map(({ certificate }) => ({ certificate, leavesAt: now })),
    distrusted: [...known.values()],
  };
}

/** Whether some CA is to leave now. */
export function isDistrusting({ older }: Pick<SecureState, 'older'>, now: number): boolean {
  return older.some(({ leavesAt }) => leavesAt <= now);
}
