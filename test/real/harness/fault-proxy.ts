/** A TCP proxy on loopback that does to its connections what networks do. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Scene } from './scene.ts';

export type Fault =
  | { readonly kind: 'none' }
  /** Whoever connects is cut off at once. */
  | { readonly kind: 'refuse' }
  /** Nothing gets through in either direction; what was sent arrives when the fault is over, as TCP sends it again. */
  | { readonly kind: 'hold' }
  /** Each piece arrives so many milliseconds later. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Each connection ends in order after so many more bytes of answers. */
  | { readonly kind: 'truncate'; readonly bytes: number };

export type FaultProxy = {
  readonly port: number;
  /** Also of the connections that are open. */
  readonly set: (fault: Fault) => void;
  /** Resets every open connection. */
  readonly cut: () => void;
  /** Made so far. */
  readonly connections: () => number;
};

type Pair = {
  readonly near: Socket;
  readonly far: Socket;
  readonly faulted: (fault: Fault) => void;
};

/** In front of a port on loopback; closed with the scene. */
export async function startFaultProxy(scene: Scene, target: number): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let fault: Fault = { kind: 'none' };
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    connections += 1;
    near.on('error', () => undefined);
    if (fault.kind === 'refuse') {
      near.resetAndDestroy();
      return;
    }
    const pair = join(near, connect({ port: target, host: '127.0.0.1', allowHalfOpen: true }), fault);
    pairs.add(pair);
    near.on('close', () => pairs.delete(pair));
  });
  const cut = (): void => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scene.atEnd(() => {
    server.close();
    cut();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    set: (next) => {
      fault = next;
      if (next.kind === 'refuse') cut();
      for (const { faulted } of pairs) faulted(next);
    },
    cut,
    connections: () => connections,
  };
}

function join(near: Socket, far: Socket, first: Fault): Pair {
  let fault = first;
  let left = first.kind === 'truncate' ? first.bytes : Infinity;
  const pass = (from: Socket, to: Socket, isAnswer: boolean): void => {
    from.on('data', (chunk: Buffer) => {
      const shown = isAnswer ? chunk.subarray(0, left) : chunk;
      if (isAnswer) left -= shown.length;
      after(fault, () => to.write(shown));
      if (shown.length === chunk.length) return;
      to.end();
      from.destroy();
    });
    from.on('end', () => after(fault, () => to.end()));
    from.on('close', () => after(fault, () => to.destroy()));
    from.on('error', () => to.destroy());
  };
  pass(near, far, false);
  pass(far, near, true);
  const apply = (): void => {
    for (const each of [near, far]) {
      if (fault.kind === 'hold') each.pause();
      else each.resume();
    }
  };
  apply();
  return {
    near,
    far,
    faulted: (next) => {
      fault = next;
      left = next.kind === 'truncate' ? next.bytes : Infinity;
      apply();
    },
  };
}

function after(fault: Fault, call: () => void): void {
  if (fault.kind === 'delay') setTimeout(call, fault.milliseconds);
  else call();
}
