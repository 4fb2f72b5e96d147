/** The CA of the webhook and its serving certificates, with the lives that they have. The only importer of selfsigned. */
import { randomBytes } from 'node:crypto';
import { generate } from 'selfsigned';
import { CLOCK_SKEW, type KeyPair } from './key-pair.ts';
import { newLeaf, SERVER_ONLY } from './sign.ts';

const DAY = 24 * 60 * 60 * 1000;

export const CA_DAYS = 365;
export const SERVING_DAYS = 30;

/**
 * @param now start of the life of the CA, in milliseconds since the epoch
 * @param life milliseconds
 */
export async function generateCa(now: number, life = CA_DAYS * DAY): Promise<KeyPair> {
  // OpenSSL looks for a CA by its name: two of one name in a bundle hide each other, and neither verifies anything.
  const name = `Tandem CA ${randomBytes(8).toString('hex')}`;
  const made = await generate([{ name: 'commonName', value: name }], {
    // An RSA key takes 40 times as long, and every start of `--tls-auto` waits for it.
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - CLOCK_SKEW),
    notAfterDate: new Date(now + life),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  // Files of PEM are put together with `cat`, so each ends with a newline; selfsigned leaves out that of certificates.
  return { certificate: `${made.cert.trimEnd()}\n`, key: `${made.private.trimEnd()}\n` };
}

/**
 * The CA may be the operator's, with an RSA key or a name in another encoding; selfsigned cannot sign with it.
 *
 * @param hosts DNS names and IP addresses that the certificate is for; the first is its common name
 * @param now start of its life, in milliseconds since the epoch
 * @param life milliseconds
 */
export function generateServing(
  ca: KeyPair,
  hosts: readonly string[],
  now: number,
  life = SERVING_DAYS * DAY,
): KeyPair {
  return newLeaf(ca, hosts, { now, life }, SERVER_ONLY);
}
