/** The open connections of a TLS server, so that those who never ask for anything cannot hold up its stop. */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

export type Connections = {
  /** Closes those on which nothing has been asked yet: Go's HTTP client dials ahead and keeps such connections. */
  readonly closeUnused: () => void;
  readonly closeAll: () => void;
};

/** Node's own `closeIdleConnections` takes a connection without a first request for a busy one. */
export function trackConnections(server: Server): Connections {
  const open = new Set<Socket>();
  const track = (socket: Socket): void => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };
  // The bytes of the handshake count for the TCP socket, those of requests for the TLS socket.
  server.on('connection', track).on('secureConnection', track);
  const destroy = (sockets: Iterable<Socket>): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    closeUnused: () => destroy([...open].filter(({ bytesRead }) => bytesRead === 0)),
    closeAll: () => destroy([...open]),
  };
}
