/** Short names of certificates, by which two texts are compared without a look at what is in them. */
import { createHash } from 'node:crypto';

const BLOCK = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g;

/** 64 bits: nobody makes a second certificate for the same one by chance, and who makes it on purpose cannot sign with it. */
const DIGITS = 16;

/** The first 16 hexadecimal digits of the SHA-256 of each certificate in a PEM text, each once, in their order. */
export function certificateIds(pem: string): readonly string[] {
  const ids = [...pem.matchAll(BLOCK)].map(([, body = '']) =>
    createHash('sha256').update(Buffer.from(body, 'base64')).digest('hex').slice(0, DIGITS),
  );
  return [...new Set(ids)];
}

export function writeIds(ids: readonly string[]): string {
  return ids.join(',');
}

const ID = new RegExp(`^[0-9a-f]{${DIGITS}}$`);

/** What is no id is ignored: anyone who may change the pod may have written it. */
export function readIds(text: string): readonly string[] {
  return text.split(',').filter((each) => ID.test(each));
}
