/** The small part of DER (ITU-T X.690) that is needed to write a certificate, and to find the name in another one. */

const UNIVERSAL = {
  wholeNumber: 0x02,
  bits: 0x03,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  printable: 0x13,
} as const;
const SEQUENCE = 0x30;
const SET = 0x31;

export function sequence(...parts: readonly Buffer[]): Buffer {
  return element(SEQUENCE, Buffer.concat(parts));
}

export function setOf(...parts: readonly Buffer[]): Buffer {
  return element(SET, Buffer.concat(parts));
}

/** `[tag]`, as EXPLICIT or of a constructed type. */
export function tagged(tag: number, content: Buffer): Buffer {
  return element(0xa0 + tag, content);
}

/** `[tag]` IMPLICIT of a type that is not constructed. */
export function implicit(tag: number, content: Buffer): Buffer {
  return element(0x80 + tag, content);
}

/** @param bytes of a number that is not negative, the highest first */
export function wholeNumber(bytes: Buffer): Buffer {
  const isHigh = ((bytes[0] ?? 0) & 0x80) !== 0;
  return element(UNIVERSAL.wholeNumber, isHigh ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

export function bits(bytes: Buffer, unused = 0): Buffer {
  return element(UNIVERSAL.bits, Buffer.concat([Buffer.of(unused), bytes]));
}

export function octets(content: Buffer): Buffer {
  return element(UNIVERSAL.octets, content);
}

/** PrintableString where it can be one (ITU-T X.680, 41.4), as most makers of certificates write it; else UTF8String. */
export function text(value: string): Buffer {
  const isPrintable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value);
  return element(isPrintable ? UNIVERSAL.printable : UNIVERSAL.utf8, Buffer.from(value));
}

export function flag(value: boolean): Buffer {
  return element(0x01, Buffer.of(value ? 0xff : 0));
}

export const NULL = element(UNIVERSAL.null, Buffer.alloc(0));

/** @param dotted `2.5.29.17` */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(UNIVERSAL.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5). @param milliseconds since the epoch */
export function time(milliseconds: number): Buffer {
  const digits = `${new Date(milliseconds).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return digits < '2050' ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits));
}

/** The elements in a constructed one, each with its head. @throws RangeError when the bytes end early */
export function elementsIn(outer: Buffer): readonly Buffer[] {
  const { start, end } = extent(outer, 0);
  const found: Buffer[] = [];
  for (let at = start; at < end; at = extent(outer, at).end)
    found.push(outer.subarray(at, extent(outer, at).end));
  return found;
}

/** What is in an element, without its head. */
export function contentOf(outer: Buffer): Buffer {
  const { start, end } = extent(outer, 0);
  return outer.subarray(start, end);
}

function extent(bytes: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = bytes.readUInt8(at + 1);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  const start = at + 2 + lengthBytes;
  return { start, end: start + length };
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(length);
  const digits = size.subarray(size.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length), digits, content]);
}

function base128(value: number): readonly number[] {
  const digits = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}
