/** The sockets of DNS, UDP and TCP on one port. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { reasonOf, TandemError } from '../../src/support/errors.ts';
import { answerMessage } from './dns-message.ts';
import type { Store } from './store.ts';

type DnsServer = { readonly port: number; readonly close: () => Promise<void> };

type Options = {
  readonly host: string;
  /** 0: a free one. */ readonly port: number;
  readonly domain: string;
};

// A question is a few dozen bytes; a client that sends none has no need of a connection (RFC 7766, section 6.2.3).
const IDLE_MILLISECONDS = 10_000;

/** @throws TandemError TANDEM_LISTEN_FAILED */
export async function startDnsServer(store: Store, { host, port, domain }: Options): Promise<DnsServer> {
  const answer = (bytes: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined =>
    answerMessage(store.current(), domain, bytes, transport);
  const tcp = createServer((socket) => serveConnection(socket, (bytes) => answer(bytes, 'tcp')));
  const connections = new Set<Socket>();
  tcp.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (bytes, { port: from, address }) => {
    const reply = answer(bytes, 'udp');
    // Whoever asked may be gone: nothing is to be done about it.
    if (reply !== undefined) udp.send(reply, from, address, () => undefined);
  });
  const bound = await bind(tcp, udp, host, port);
  return {
    port: bound,
    close: async () => {
      for (const socket of connections) socket.destroy();
      await Promise.all([once(tcp.close(), 'close'), once(udp.close(), 'close')]);
    },
  };
}

async function bind(tcp: Server, udp: UdpSocket, host: string, port: number): Promise<number> {
  try {
    await once(tcp.listen(port, host), 'listening');
    const { port: bound } = tcp.address() as AddressInfo;
    await once(udp.bind(bound, host), 'listening');
    return bound;
  } catch (cause) {
    tcp.close();
    throw new TandemError(
      'TANDEM_LISTEN_FAILED',
      `cannot listen for DNS on ${host}:${port}: ${reasonOf(cause)}`,
      cause,
    );
  }
}

/** Each message has its length before it, in two bytes (RFC 1035, section 4.2.2). */
function serveConnection(socket: Socket, answer: (bytes: Buffer) => Buffer | undefined): void {
  let held = Buffer.alloc(0);
  socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy());
  // A client that cuts its connection is no error here.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0);
      const reply = answer(held.subarray(2, end));
      held = held.subarray(end);
      if (reply === undefined) return void socket.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([length, reply]));
    }
  });
}
