/** DNS messages: the bytes of a question → the bytes of an answer that fits. */
import {
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  type Answer,
  type Packet,
} from 'dns-packet';
import { answerDns, type DnsAnswer } from './dns-answer.ts';
import type { Catalog } from './catalog.ts';

// RFC 1035, section 4.2.1, and the length field of section 4.2.2.
const UDP_BYTES = 512;
const TCP_BYTES = 65_535;
// RFC 1035, section 4.1.1.
const CODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
const SERVFAIL: DnsAnswer = { code: 'SERVFAIL', answers: [], additionals: [], authorities: [] };

/**
 * @returns undefined for bytes that are no question, which get no answer
 */
export function answerMessage(
  catalog: Catalog,
  domain: string,
  bytes: Buffer,
  transport: 'udp' | 'tcp',
): Buffer | undefined {
  const query = decoded(bytes);
  const question = query?.questions?.[0];
  if (query === undefined || question === undefined || query.type !== 'query') return undefined;
  const answer = answerDns(catalog, domain, question);
  const payload = query.additionals?.find((record) => record.type === 'OPT')?.udpPayloadSize;
  const limit = transport === 'tcp' ? TCP_BYTES : Math.max(UDP_BYTES, payload ?? 0);
  try {
    return fitting(query, answer, payload, limit);
  } catch {
    // The catalog takes any text, and DNS does not.
    return message(query, SERVFAIL, payload, false);
  }
}

function decoded(bytes: Buffer): Packet | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

/** What is added goes first, and is not missed; then answers go, and the bit says so (RFC 2181, section 9). */
function fitting(query: Packet, answer: DnsAnswer, payload: number | undefined, limit: number): Buffer {
  const whole = message(query, answer, payload, false);
  if (whole.length <= limit) return whole;
  const bare = { ...answer, additionals: [] };
  const withoutAdditionals = message(query, bare, payload, false);
  if (withoutAdditionals.length <= limit) return withoutAdditionals;
  const count = fittingCount(answer.answers.length, (answers) => {
    const cut = { ...bare, answers: answer.answers.slice(0, answers) };
    return message(query, cut, payload, true).length <= limit;
  });
  return message(query, { ...bare, answers: answer.answers.slice(0, count) }, payload, true);
}

/** The largest count that fits, when each smaller one does too. */
function fittingCount(most: number, fits: (count: number) => boolean): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function message(query: Packet, answer: DnsAnswer, payload: number | undefined, isCut: boolean): Buffer {
  const authority = answer.code === 'REFUSED' ? 0 : AUTHORITATIVE_ANSWER;
  const asked = (query.flags ?? 0) & RECURSION_DESIRED;
  return encode({
    type: 'response',
    id: query.id ?? 0,
    flags: authority | asked | (isCut ? TRUNCATED_RESPONSE : 0) | CODES[answer.code],
    questions: query.questions ?? [],
    answers: [...answer.answers],
    authorities: [...answer.authorities],
    additionals: [...answer.additionals, ...(payload === undefined ? [] : [edns(payload)])],
  });
}

// RFC 6891, section 6.1.1: who asked with it gets it back.
function edns(udpPayloadSize: number): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}
