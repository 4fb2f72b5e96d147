/** A certificate with its private key, and where a server gets the current one from. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { lifeProblem, type CertificateLife } from '../support/known-certificate.ts';
import { reasonOf, TandemError } from '../support/errors.ts';

/** Both PEM; the certificate may be followed by those that signed it. */
export type KeyPair = { readonly certificate: string; readonly key: string };

/** Milliseconds by which a life begins early: a clock that runs behind ours must accept a fresh certificate. */
export const CLOCK_SKEW = 5 * 60 * 1000;

export type CertificateEvent =
  | { readonly kind: 'changed'; readonly pair: KeyPair }
  /** The pair in use stays; the error says what is wrong with the new one. */
  | { readonly kind: 'failed'; readonly error: TandemError };

export type CertificateSource = {
  /** Undefined while there is none: a shared Secret may come later than the server. */
  readonly current: () => KeyPair | undefined;
  readonly onEvent: (listener: (event: CertificateEvent) => void) => void;
  readonly close: () => void;
};

/**
 * Why the pair cannot be served now, or undefined when it can.
 *
 * @param now milliseconds since the epoch
 */
export function validityProblem(pair: KeyPair, now: number): string | undefined {
  const problem = lifeProblem(lifeOf(pair), now);
  return problem && `the certificate ${problem}`;
}

/** Of its certificate, in milliseconds since the epoch. */
export function lifeOf(pair: KeyPair): CertificateLife {
  const { validFromDate, validToDate } = new X509Certificate(pair.certificate);
  return { issued: validFromDate.getTime(), expires: validToDate.getTime() };
}

/**
 * Refuses a pair that no server could use.
 *
 * @param place names the pair in the message
 * @throws TandemError TANDEM_CERTIFICATE_INVALID; never holds any part of the key
 */
export function checkPair(pair: KeyPair, place: string): KeyPair {
  try {
    // An empty file, as a writer leaves it for a moment, would pass for none given, and then no handshake succeeds.
    createPublicKey(pair.certificate);
    createPrivateKey(pair.key);
    createSecureContext({ cert: pair.certificate, key: pair.key });
    return pair;
  } catch (cause) {
    const text = `${place}: certificate and key cannot be used together (${reasonOf(cause)}); expected PEM files that belong together`;
    throw new TandemError('TANDEM_CERTIFICATE_INVALID', text, cause);
  }
}
