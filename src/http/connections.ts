/**
 * The open connections of a server: decides which one is closed when there are too many, so that strangers who open them and say
 * nothing cannot lock others out, and cannot hold up a shutdown.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { RefusalReason } from '../admission/refusals.ts';

export type Connections = {
  /** Closes connections without a request so far: Go's HTTP client dials ahead and keeps such connections. */
  readonly closeUnused: () => void;
  readonly closeAll: () => void;
  /** There is no room for another, and none can be closed. */
  readonly isFull: () => boolean;
};

/** Not a Set for its answers: a Set that has grown keeps its former table, and a whole request survives with it. */
type Connection = {
  readonly key: string;
  readonly sockets: Set<Socket>;
  /** Answers that are not sent yet, with their requests. */
  readonly answers: ServerResponse[];
};

/**
 * Above `most` connections, the one that has been idle longest is closed; one in its handshake or its first headers is idle from
 * its start. When none is idle, it is the one whose request began first among those that wait for their client. Node's own
 * `maxConnections` rejects the new connection instead, and its `closeIdleConnections` takes a connection without a first request
 * for a busy one.
 */
export function trackConnections(
  server: Server | TlsServer,
  most: number,
  onRefusal: (reason: RefusalReason) => void,
): Connections {
  const open = new Map<string, Connection>();
  const bySocket = new Map<Socket, Connection>();
  // Both in the order in which they became so.
  const idle = new Set<Connection>();
  const busy = new Set<Connection>();

  const track = (socket: Socket): void => {
    const key = keyOf(socket);
    const connection = open.get(key) ?? { key, sockets: new Set(), answers: [] };
    connection.sockets.add(socket);
    bySocket.set(socket, connection);
    socket.once('close', () => {
      bySocket.delete(socket);
      for (const each of connection.sockets) each.destroy();
      if (open.get(key) === connection) open.delete(key);
      idle.delete(connection);
      busy.delete(connection);
    });
    if (open.has(key)) return;
    open.set(key, connection);
    idle.add(connection);
    if (open.size > most) makeRoom(connection);
  };
  const makeRoom = (newcomer: Connection): void => {
    const [oldest] = idle;
    const victim = oldest === newcomer ? [...busy].find(waitsForClient) : oldest;
    onRefusal(victim === undefined ? 'connection-refused' : 'connection-evicted');
    close(victim ?? newcomer);
  };
  const close = (connection: Connection): void => {
    open.delete(connection.key);
    idle.delete(connection);
    busy.delete(connection);
    for (const socket of connection.sockets) socket.destroy();
  };
  const begin = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = bySocket.get(request.socket);
    if (connection === undefined) return;
    const { answers } = connection;
    answers.push(response);
    if (idle.delete(connection)) busy.add(connection);
    response.on('close', () => {
      answers.splice(answers.indexOf(response), 1);
      if (answers.length === 0 && busy.delete(connection)) idle.add(connection);
    });
  };
  // The bytes of the handshake count for the TCP socket, those of requests for the TLS socket.
  server.on('connection', track).on('secureConnection', track);
  // Before the server's own listener, which may answer at once.
  server.prependListener('request', begin);
  const closeWhere = (isMeant: (socket: Socket) => boolean): void => {
    for (const { sockets } of open.values()) for (const each of sockets) if (isMeant(each)) each.destroy();
  };
  return {
    closeUnused: () => closeWhere(({ bytesRead }) => bytesRead === 0),
    closeAll: () => closeWhere(() => true),
    isFull: () => open.size >= most && idle.size === 0 && ![...busy].some(waitsForClient),
  };
}

/** The body has not arrived, or the answer is not taken; a whole request that waits for its answer is ours to finish. */
function waitsForClient({ answers }: Connection): boolean {
  return answers.every(({ req, headersSent }) => !req.complete || headersSent);
}

/** The same for the TCP socket and for the TLS socket on it. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
