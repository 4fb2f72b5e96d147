/** What a client of a catalog sees, over HTTP and DNS, without what differs from one run to the next. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { decode, encode, RECURSION_DESIRED, streamEncode, streamDecode, type Answer } from 'dns-packet';
import type { DecodedPacket, Packet, RecordType } from 'dns-packet';

export type CatalogUnderTest = { readonly url: string; readonly dnsPort: number };

export type Seen = {
  readonly status: number;
  /** JSON without IDs of nodes and without indexes, or the text when it is none. */
  readonly body: unknown;
  /** 0 when there is none. */
  readonly index: number;
};

export async function call(
  { url }: CatalogUnderTest,
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Seen> {
  const response = await fetch(new URL(path, url), {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const content = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    body: isJson ? plain(JSON.parse(content)) : content.trim(),
    index: Number(response.headers.get('x-consul-index') ?? '0'),
  };
}

export function get(catalog: CatalogUnderTest, path: string): Promise<Seen> {
  return call(catalog, 'GET', `/v1/${path}`);
}

export function put(catalog: CatalogUnderTest, path: string, body: unknown): Promise<Seen> {
  return call(catalog, 'PUT', `/v1/${path}`, body);
}

const VOLATILE = new Set(['CreateIndex', 'ModifyIndex']);

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !VOLATILE.has(key));
  return Object.fromEntries(kept.map(([key, field]) => [key, plain(field)]));
}

export type DnsSeen = {
  readonly code: string;
  /** `A 10.0.0.1`, sorted: servers shuffle them. */
  readonly answers: readonly string[];
  /** Addresses among the additional records, each once. */
  readonly additional: readonly string[];
  /** Types of the records that say who is in charge. */
  readonly authority: readonly string[];
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
};

type Ask = { readonly transport?: 'udp' | 'tcp'; readonly payload?: number };

export async function ask(
  { dnsPort }: CatalogUnderTest,
  name: string,
  type: RecordType | 'ANY',
  { transport = 'udp', payload }: Ask = {},
): Promise<DnsSeen> {
  const query: Packet = {
    type: 'query',
    id: 4711,
    flags: RECURSION_DESIRED,
    // The types of the library leave out ANY, which it knows.
    questions: [{ name, type: type as RecordType }],
    additionals: payload === undefined ? [] : [edns(payload)],
  };
  const packet =
    transport === 'udp'
      ? decode(await overUdp(dnsPort, encode(query)))
      : streamDecode(await overTcp(dnsPort, streamEncode(query)));
  return seen(packet as DecodedPacket & { rcode: string });
}

function edns(udpPayloadSize: number): Answer {
  const flags = { extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false };
  return { type: 'OPT', name: '.', udpPayloadSize, ...flags, options: [] };
}

async function overUdp(port: number, message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    socket.send(message, port, '127.0.0.1');
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
    return answer;
  } finally {
    socket.close();
  }
}

async function overTcp(port: number, message: Buffer): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  socket.write(message);
  let held = Buffer.alloc(0);
  for await (const chunk of socket) {
    held = Buffer.concat([held, chunk as Buffer]);
    if (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) break;
  }
  return held;
}

function seen(packet: DecodedPacket & { readonly rcode: string }): DnsSeen {
  const addresses = (packet.additionals ?? []).filter(({ type }) => type === 'A' || type === 'AAAA');
  return {
    code: packet.rcode,
    answers: (packet.answers ?? []).map(recordText).toSorted(),
    additional: [...new Set(addresses.map((record) => `${record.name} ${recordText(record)}`))].toSorted(),
    authority: (packet.authorities ?? []).map(({ type }) => type),
    isAuthoritative: packet.flag_aa,
    isTruncated: packet.flag_tc,
  };
}

function recordText(record: Answer): string {
  if (record.type === 'SRV') {
    const { priority, weight, port, target } = record.data;
    return `SRV ${priority} ${weight} ${port} ${target}`;
  }
  if (record.type === 'TXT') return `TXT ${[record.data].flat().map(String).join('')}`;
  return 'data' in record && typeof record.data === 'string' ? `${record.type} ${record.data}` : record.type;
}
