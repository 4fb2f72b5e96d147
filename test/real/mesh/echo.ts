/** The echo application, and a client of it. */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { V1Container } from '@kubernetes/client-node';
import type { Images } from '../harness/containers.ts';

export const ECHO_IMAGES: Images = {
  'example/echo': { entrypoint: [process.execPath, join(import.meta.dirname, 'apps/echo-server.ts')] },
};

/** A container that listens on this port. */
export function echoContainer(name: string, port: number): Omit<V1Container, 'name'> {
  return { image: 'example/echo', args: [name, String(port)], ports: [{ containerPort: port }] };
}

export type Echo = { readonly name: string; readonly echoed: Buffer };

/** A new connection: who answers, and what comes back of the bytes. Throws when it is refused or cut off. */
export function echo(port: number, bytes: Buffer, host = '127.0.0.1'): Promise<Echo> {
  return echoOver(connect(port, host), bytes);
}

/** As `echo`, over a connection such as one of TLS. */
export async function echoOver(socket: Socket, bytes: Buffer): Promise<Echo> {
  const chunks: Buffer[] = [];
  // Envoy takes a connection and looks for the destination afterwards; a silent one is a dropped one.
  socket.setTimeout(5000, () => socket.destroy(new Error('silent for 5 s')));
  socket.write(bytes);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      const lineEnd = all.indexOf('\n');
      if (lineEnd >= 0 && all.length === lineEnd + 1 + bytes.length)
        return { name: all.subarray(0, lineEnd).toString(), echoed: all.subarray(lineEnd + 1) };
    }
    throw new Error('closed before all bytes came back');
  } finally {
    socket.destroy();
  }
}
