/** The CA of the agents, own or brought: what of it is trusted, what stands behind each leaf, and when it leaves. */
import { certificatesIn, isSignedBy, LEAF_LIFE, type CertificateLife } from './certificates.ts';
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

function pemsIn(text: string): readonly string[] {
  return certificatesIn(text).map(({ pem }) => pem);
}

export function isSameCa(ca: SigningCa | undefined, brought: BroughtCa): boolean {
  return ca?.certificate === brought.certificate && ca.key === brought.key && ca.others === brought.others;
}

/**
 * Those that are trusted until nothing that they signed is served any more; the next CA may bring some of them along.
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
