/** Reads certificates: which CA signed them, until when they last, and which are due. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isSignedBy, parsedCertificate, type CertificateLife } from '../support/known-certificate.ts';
import { isIpAddress } from '../support/ip-address.ts';

const DAY = 24 * 60 * 60 * 1000;
export const CA_LIFE = 5 * 365 * DAY;
export const LEAF_LIFE = 30 * DAY;

/** Whether the key belongs to the certificate, both PEM; false for what is neither. */
export function isUsablePair({
  certificate,
  key,
}: {
  readonly certificate: string;
  readonly key: string;
}): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** By certificates between, each once. */
export function chainsTo(pem: string, between: readonly string[], trusted: readonly string[]): boolean {
  if (trusted.some((ca) => isSignedBy(pem, ca))) return true;
  return between.some((each) => {
    const rest = between.filter((other) => other !== each);
    return isSignedBy(pem, each) && chainsTo(each, rest, trusted);
  });
}

/** It may sign others, for servers and clients. */
export function isSigningCa(pem: string): boolean {
  return parsedCertificate(pem)?.ca === true && isForBothSides(pem);
}

// RFC 5280, 4.2.1.9, as an OID in DER.
const BASIC_CONSTRAINTS = Buffer.of(0x06, 0x03, 0x55, 0x1d, 0x13);

/** Whether other CAs may be between it and a leaf: with `pathlen:0`, nobody accepts what it cross-signs. */
export function maySignCas(pem: string): boolean {
  const raw = parsedCertificate(pem)?.raw ?? Buffer.alloc(0);
  const at = raw.indexOf(BASIC_CONSTRAINTS);
  if (at < 0) return true;
  const extension = raw.subarray(at + BASIC_CONSTRAINTS.length);
  const isCritical = extension[0] === 0x01;
  // Octets, of a sequence, of TRUE; then the number, if there is one.
  const [, , , , , , , type, size, length] = isCritical ? extension.subarray(3) : extension;
  return !(type === 0x02 && size === 1 && length === 0);
}

/** As Go checks it: the common name does not count. */
export function isNamed(pem: string, host: string): boolean {
  return parsedCertificate(pem)?.checkHost(host, { subject: 'never' }) !== undefined;
}

// RFC 5280, 4.2.1.12.
const BOTH_SIDES = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];

/** Also when it says nothing of its purpose. */
export function isForBothSides(pem: string): boolean {
  const purposes: readonly string[] | undefined = parsedCertificate(pem)?.keyUsage;
  return purposes === undefined || BOTH_SIDES.every((each) => purposes.includes(each));
}

/** Exactly for these: a name that was taken away makes it another one. */
export function isForHosts(pem: string, hosts: readonly string[]): boolean {
  const certificate = parsedCertificate(pem);
  const alternatives = (certificate?.subjectAltName ?? '').split(', ').filter((each) => each !== '');
  const wanted = new Set(hosts);
  const has = (host: string): boolean =>
    isIpAddress(host)
      ? certificate?.checkIP(host) !== undefined
      : alternatives.some((each) => each === `DNS:${host}`);
  return alternatives.length === wanted.size && hosts.every(has);
}

export function isAlive({ issued, expires }: CertificateLife, now: number): boolean {
  return now >= issued && now < expires;
}
