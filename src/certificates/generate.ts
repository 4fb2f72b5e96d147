/** The CA of the webhook and its serving certificates, with the lives that they have. The only importer of selfsigned. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { generate } from 'selfsigned';
import { CLOCK_SKEW, type KeyPair } from './key-pair.ts';

const DAY = 24 * 60 * 60 * 1000;

export const CA_DAYS = 365;
export const SERVING_DAYS = 30;

/** EC P-256: an RSA key takes 40 times as long, and every start of `--tls-auto` waits for it. */
const EC = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

/**
 * @param now start of the life of the CA, in milliseconds since the epoch
 * @param life milliseconds
 */
export async function generateCa(now: number, life = CA_DAYS * DAY): Promise<KeyPair> {
  // OpenSSL looks for a CA by its name: two of one name in a bundle hide each other, and neither verifies anything.
  const name = `Tandem CA ${randomBytes(8).toString('hex')}`;
  const made = await generate([{ name: 'commonName', value: name }], {
    ...EC,
    ...validity(now, now + life),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return keyPair(made);
}

/**
 * A certificate never outlives its CA, without which it would be refused.
 *
 * @param hosts DNS names and IP addresses that the certificate is for; the first is its common name
 * @param now start of its life, in milliseconds since the epoch
 * @param life milliseconds
 */
export async function generateServing(
  ca: KeyPair,
  hosts: readonly string[],
  now: number,
  life = SERVING_DAYS * DAY,
): Promise<KeyPair> {
  const end = Math.min(now + life, new X509Certificate(ca.certificate).validToDate.getTime());
  const made = await generate([{ name: 'commonName', value: hosts[0] ?? 'tandem' }], {
    ...EC,
    ...validity(now, end),
    ca: { cert: ca.certificate, key: ca.key },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) => (isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host })),
      },
    ],
  });
  return keyPair(made);
}

/** Files of PEM are put together with `cat`, so each ends with a newline; selfsigned leaves out that of certificates. */
function keyPair(made: { readonly cert: string; readonly private: string }): KeyPair {
  return { certificate: `${made.cert.trimEnd()}\n`, key: `${made.private.trimEnd()}\n` };
}

function validity(now: number, end: number): { notBeforeDate: Date; notAfterDate: Date } {
  return { notBeforeDate: new Date(now - CLOCK_SKEW), notAfterDate: new Date(end) };
}
