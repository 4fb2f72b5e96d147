/** What a keeper does on request: HTTP on a socket file that only its owner can open. */
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ClusterMachine } from './cluster-machine.ts';

/**
 * `POST /nodes/<name>/stop`, `POST /nodes/<name>/start`, `POST /images` with the path of an archive as its body. It answers 204
 * when that is done, else 500 with the reason.
 */
export async function serveControl(socket: string, machine: ClusterMachine): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string): void => void response.writeHead(status).end(body);
    void text(request)
      .then((body) => perform(machine, `${request.method} ${request.url}`, body))
      .then(
        (isKnown) => (isKnown ? answer(204, '') : answer(404, 'no such path')),
        (error: unknown) => answer(500, (error as Error).message),
      );
  });
  server.listen(socket);
  await once(server, 'listening');
  chmodSync(socket, 0o600);
  return server;
}

async function perform(machine: ClusterMachine, request: string, body: string): Promise<boolean> {
  const [, name = '', action] = /^POST \/nodes\/([a-z0-9-]+)\/(start|stop)$/.exec(request) ?? [];
  if (action === 'start') await machine.startNode(name);
  else if (action === 'stop') await machine.stopNode(name);
  else if (request === 'POST /images') await machine.importImages(body.trim());
  else return false;
  return true;
}
