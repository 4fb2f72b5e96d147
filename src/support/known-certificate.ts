/** Certificates as they are read from PEM: which they are, how long they last, and who signed them. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { keptBy } from './kept.ts';

/** Milliseconds since the epoch. */
export type CertificateLife = { readonly issued: number; readonly expires: number };

/** Undefined when it is valid now. */
export function lifeProblem({ issued, expires }: CertificateLife, now: number): string | undefined {
  if (now < issued) return `is not valid before ${new Date(issued).toISOString()}`;
  return now < expires ? undefined : `expired at ${new Date(expires).toISOString()}`;
}

/** From then on a third of the life is left, or less. */
export function dueAt({ issued, expires }: CertificateLife): number {
  return expires - (expires - issued) / 3;
}

export type KnownCertificate = CertificateLife & {
  /** SHA-256. */
  readonly id: string;
  readonly serial: string;
  readonly pem: string;
};

// Each reconcile reads the same dozen certificates.
const kept = keptBy<X509Certificate>();
const signed = keptBy<boolean>();

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Each once, in their order; everything else in the text is ignored. */
export function certificatesIn(text: string): readonly KnownCertificate[] {
  const found = new Map<string, KnownCertificate>();
  for (const [block] of text.matchAll(BLOCK)) {
    const certificate = parsedCertificate(block);
    if (certificate === undefined) continue;
    const { fingerprint256: id, serialNumber: serial, validFromDate, validToDate } = certificate;
    const life = { issued: validFromDate.getTime(), expires: validToDate.getTime() };
    found.set(id, { id, serial, pem: `${block}\n`, ...life });
  }
  return [...found.values()];
}

export function isSignedBy(pem: string, ca: string): boolean {
  const [certificate, issuer] = [parsedCertificate(pem), parsedCertificate(ca)];
  if (certificate === undefined || issuer === undefined) return false;
  return signed(
    certificate,
    ca,
    () => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
  );
}

/** Undefined for what is no certificate. */
export function parsedCertificate(pem: string): X509Certificate | undefined {
  try {
    return kept(X509Certificate, pem, () => new X509Certificate(pem));
  } catch {
    return undefined;
  }
}

/**
 * Of a kind with which certificates are signed here.
 *
 * @param key PEM of a private key
 */
export function isSigningKey(key: string): boolean {
  return ['ec', 'rsa'].includes(createPrivateKey(key).asymmetricKeyType ?? '');
}
