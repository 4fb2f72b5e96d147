/** Short ids of certificates, with which two texts are compared without looking at their content. */
import { createHash } from 'node:crypto';

const BLOCK = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g;

/** 64 bits: two certificates never share an id by chance, and whoever makes a second one on purpose cannot sign with it. */
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

/** Invalid ids are ignored: anyone who may change the pod may have written them. */
export function readIds(text: string): readonly string[] {
  return text.split(',').filter((each) => ID.test(each));
}
