/** A TCP balancer on loopback: what a Service is to the pods behind it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Scene } from './scene.ts';

export type Balancer = {
  readonly port: number;
  /** Where new connections go, one after the other; those that are open stay. */
  readonly target: (ports: readonly number[]) => void;
  /** Cuts what is open: the next request makes a new connection, with a handshake. */
  readonly cut: () => void;
};

export async function startBalancer(scene: Scene): Promise<Balancer> {
  let targets: readonly number[] = [];
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    turn += 1;
    const port = targets[turn % targets.length];
    if (port === undefined) return void socket.destroy();
    const upstream = connect({ host: '127.0.0.1', port });
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => open.delete(one) && other.end());
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  scene.atEnd(() => {
    server.close();
    cut();
  });
  return {
    port: (server.address() as AddressInfo).port,
    target: (ports) => {
      targets = ports;
    },
    cut,
  };
}
