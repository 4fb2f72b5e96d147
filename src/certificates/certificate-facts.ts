/** What the rotation needs to know of certificates, read once from their PEM. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { dueAt, type CertificateLife } from '../support/certificate-life.ts';
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

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The CAs of a bundle, in their order and each once; everything else in it is ignored. */
export function readCas(bundle: string): readonly Ca[] {
  const found = new Map<string, Ca>();
  for (const [block] of bundle.matchAll(BLOCK)) {
    const certificate = parsed(block);
    if (certificate?.ca !== true) continue;
    const id = certificate.fingerprint256;
    found.set(id, { id, certificate: `${block}\n`, ...lifeOf(certificate) });
  }
  return [...found.values()];
}

/** Undefined when no server could use the pair. */
export function readServing(
  pair: KeyPair,
  cas: readonly Ca[],
  hosts: readonly string[],
): Serving | undefined {
  const certificate = parsed(pair.certificate);
  if (certificate === undefined || !belongTogether(pair)) return undefined;
  const issuer = cas.find((ca) => isSignedBy(certificate, new X509Certificate(ca.certificate)));
  const isForHosts = hosts.every((host) => isNamed(certificate, host));
  return { pair, issuer: issuer?.id, isForHosts, ...lifeOf(certificate) };
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

export function isDue(life: CertificateLife, now: number): boolean {
  return now >= dueAt(life);
}

/** It becomes valid a little before it was made: the clocks of those who make certificates differ. */
export function isCurrent({ issued, expires }: CertificateLife, now: number): boolean {
  return now >= issued - CLOCK_SKEW && now < expires;
}

/** As it was meant: without the time by which it begins early. */
function lifeOf({ validFromDate, validToDate }: X509Certificate): CertificateLife {
  return { issued: validFromDate.getTime() + CLOCK_SKEW, expires: validToDate.getTime() };
}

function isSignedBy(certificate: X509Certificate, ca: X509Certificate): boolean {
  return certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
}

function isNamed(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}

function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
