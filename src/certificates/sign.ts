/**
 * Certificates of a CA that the operator may have brought: it may be EC or RSA, and its name is copied byte for byte, because Go
 * compares names as bytes.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { isIP } from 'node:net';
import {
  bits,
  flag,
  contentOf,
  elementsIn,
  implicit,
  wholeNumber,
  NULL,
  octets,
  oid,
  sequence,
  setOf,
  tagged,
  text,
  time,
} from './der.ts';
import { CLOCK_SKEW, type KeyPair } from './key-pair.ts';

type Life = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds. */
  readonly life: number;
};

/** A CA for Consul that signs itself, P-256. */
export function newCa({ now, life }: Life): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Two CAs of one name in a bundle hide each other from OpenSSL.
  const name = commonName(`Tandem Consul CA ${randomBytes(8).toString('hex')}`);
  const subject = { name, publicKey };
  const extensions = caExtensions(publicKey);
  const to = { from: now, until: now + life };
  return pairOf(certificate({ ...subject, issuer: subject, privateKey, extensions, ...to }), privateKey);
}

/** The same CA, signed by another: who trusts that one alone trusts what this one signs. */
export function crossSigned(ca: string, by: KeyPair, now: number): string {
  const issuer = issuerOf(by);
  const { publicKey, raw, validToDate } = new X509Certificate(ca);
  return certificate({
    name: subjectName(raw),
    publicKey,
    ...issuer,
    extensions: [...caExtensions(publicKey, subjectKeyId(raw)), ...authority(issuer.raw)],
    from: now,
    until: Math.min(validToDate.getTime(), issuer.until),
  });
}

// RFC 5280, 4.2.1.12: serverAuth and clientAuth. With the first alone a Consul server cannot speak to the others.
export const SERVER_ONLY: readonly string[] = ['1.3.6.1.5.5.7.3.1'];
const BOTH_SIDES: readonly string[] = [...SERVER_ONLY, '1.3.6.1.5.5.7.3.2'];

/**
 * A leaf, P-256. It never outlives its CA, without which it would be refused.
 *
 * @param ca with a key of `isSigningKey`
 * @param hosts DNS names, which may begin with `*.`, and IP addresses; the first is its common name
 * @param purposes OIDs
 */
export function newLeaf(
  ca: KeyPair,
  hosts: readonly string[],
  { now, life }: Life,
  purposes = BOTH_SIDES,
): KeyPair {
  const issuer = issuerOf(ca);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const names = hosts.map((host) =>
    isIP(host) === 0 ? implicit(2, Buffer.from(host)) : implicit(7, addressBytes(host)),
  );
  const extensions = [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, bits(Buffer.of(0x80), 7)),
    extension('2.5.29.37', false, sequence(...purposes.map(oid))),
    extension('2.5.29.17', false, sequence(...names)),
    ...authority(issuer.raw),
  ];
  return pairOf(
    certificate({
      name: commonName(hosts[0] ?? 'tandem'),
      publicKey,
      ...issuer,
      extensions,
      from: now,
      until: Math.min(now + life, issuer.until),
    }),
    privateKey,
  );
}

type Issuer = {
  readonly issuer: { readonly name: Buffer };
  readonly privateKey: KeyObject;
  readonly raw: Buffer;
  readonly until: number;
};

function issuerOf({ certificate: pem, key }: KeyPair): Issuer {
  const { raw, validToDate } = new X509Certificate(pem);
  return {
    issuer: { name: subjectName(raw) },
    privateKey: createPrivateKey(key),
    raw,
    until: validToDate.getTime(),
  };
}

type Contents = {
  readonly name: Buffer;
  readonly publicKey: KeyObject;
  readonly issuer: { readonly name: Buffer };
  readonly privateKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly from: number;
  readonly until: number;
};

/** RFC 5280, 4.1. */
function certificate({ name, publicKey, issuer, privateKey, extensions, from, until }: Contents): string {
  const algorithm =
    privateKey.asymmetricKeyType === 'rsa'
      ? sequence(oid('1.2.840.113549.1.1.11'), NULL)
      : sequence(oid('1.2.840.10045.4.3.2'));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const content = sequence(
    tagged(0, wholeNumber(Buffer.of(2))),
    wholeNumber(serial),
    algorithm,
    issuer.name,
    sequence(time(from - CLOCK_SKEW), time(until)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions)),
  );
  const signed = sequence(content, algorithm, bits(sign('sha256', content, privateKey)));
  const lines = signed.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function pairOf(pem: string, key: KeyObject): KeyPair {
  return { certificate: pem, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function commonName(name: string): Buffer {
  return sequence(setOf(sequence(oid('2.5.4.3'), text(name))));
}

/** The sixth of version, serial, algorithm, issuer, validity, subject; a certificate of version 1 has no version field. */
function subjectName(raw: Buffer): Buffer {
  const fields = elementsIn(elementsIn(raw)[0] ?? raw);
  return Buffer.from(fields[fields[0]?.[0] === 0xa0 ? 5 : 4] ?? Buffer.alloc(0));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [flag(true)] : []), octets(value));
}

/** @param id the name that leaf certificates use for the key; a CA that was brought may have computed it differently */
function caExtensions(key: KeyObject, id = keyId(key)): readonly Buffer[] {
  return [
    extension('2.5.29.19', true, sequence(flag(true))),
    extension('2.5.29.15', true, bits(Buffer.of(0x06), 1)),
    extension('2.5.29.14', false, octets(id)),
  ];
}

function keyId(key: KeyObject): Buffer {
  const [, bitString = Buffer.alloc(0)] = elementsIn(key.export({ type: 'spki', format: 'der' }));
  return createHash('sha1').update(contentOf(bitString).subarray(1)).digest();
}

const SUBJECT_KEY_ID = Buffer.concat([oid('2.5.29.14'), Buffer.of(0x04)]);

/** Undefined when the certificate has none. */
function subjectKeyId(raw: Buffer): Buffer | undefined {
  const at = raw.indexOf(SUBJECT_KEY_ID);
  return at < 0 ? undefined : contentOf(contentOf(raw.subarray(at + SUBJECT_KEY_ID.length - 1)));
}

/** Names the key of the CA as the CA itself does; if the CA does not name it, leaves name only the CA. */
function authority(ca: Buffer): readonly Buffer[] {
  const id = subjectKeyId(ca);
  return id === undefined ? [] : [extension('2.5.29.35', false, sequence(implicit(0, id)))];
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const { hostname } = new URL(`http://[${address}]`);
  const [head = '', tail = ''] = hostname.slice(1, -1).split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const zeros = Array.from({ length: 8 - words(head).length - words(tail).length }, () => '0');
  const all = [...words(head), ...zeros, ...words(tail)];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}
