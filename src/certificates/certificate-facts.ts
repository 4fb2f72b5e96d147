/** What the rotation needs to know of certificates, read once from their PEM. */
import { isIP } from 'node:net';
import {
  certificatesIn,
  dueAt,
  isSignedBy,
  isSigningKey,
  parsedCertificate,
  type CertificateLife,
} from '../support/known-certificate.ts';
import { CLOCK_SKEW, checkPair, type KeyPair } from './key-pair.ts';

export type Ca = CertificateLife & {
  /** Its SHA-256 fingerprint. */
  readonly id: string;
  /** PEM of this one alone. */
  readonly certificate: string;
};

export type Serving = CertificateLife & {
  readonly pair: KeyPair;
  /** The id of the CA that signed it, when that is among the known ones. */
  readonly issuer: string | undefined;
  readonly isForHosts: boolean;
};

/** The CAs of a bundle, in their order and each once; everything else in it is ignored. */
export function readCas(bundle: string): readonly Ca[] {
  return certificatesIn(bundle)
    .filter(({ pem }) => parsedCertificate(pem)?.ca === true)
    .map(({ id, pem, ...life }) => ({ id, certificate: pem, ...meant(life) }));
}

/** Undefined when no server could use the pair. */
export function readServing(
  pair: KeyPair,
  cas: readonly Ca[],
  hosts: readonly string[],
): Serving | undefined {
  const [leaf] = certificatesIn(pair.certificate);
  if (leaf === undefined || !belongTogether(pair)) return undefined;
  const issuer = cas.find((ca) => isSignedBy(leaf.pem, ca.certificate));
  const isForHosts = hosts.every((host) => isNamed(leaf.pem, host));
  return { pair, issuer: issuer?.id, isForHosts, ...meant(leaf) };
}

/** False for garbage, too; the reason is never reported, because the text may be a key. */
export function belongTogether(pair: KeyPair): boolean {
  try {
    checkPair(pair, '');
    return true;
  } catch {
    return false;
  }
}

/** Whether it is a pair with which certificates are signed here. */
export function isSigningPair(pair: KeyPair): boolean {
  return belongTogether(pair) && isSigningKey(pair.key);
}

export function isDue(life: CertificateLife, now: number): boolean {
  return now >= dueAt(life);
}

/** It becomes valid a little before it was made: the clocks of those who make certificates differ. */
export function isCurrent({ issued, expires }: CertificateLife, now: number): boolean {
  return now >= issued - CLOCK_SKEW && now < expires;
}

/** Without the time by which it begins early. */
function meant({ issued, expires }: CertificateLife): CertificateLife {
  return { issued: issued + CLOCK_SKEW, expires };
}

function isNamed(pem: string, host: string): boolean {
  const certificate = parsedCertificate(pem);
  return (isIP(host) === 0 ? certificate?.checkHost(host) : certificate?.checkIP(host)) !== undefined;
}
