/** Waits, inside a pod, until the pod's traffic is redirected: it has to see that itself, and trusts nobody. */
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createConnection, createServer, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import {
  missingRedirection,
  NO_ROUTE,
  NOBODYS_PORT,
  OUTSIDE,
  type FamilyState,
} from '../redirection/held-traffic.ts';
import { OUTBOUND_PORT } from '../redirection/options.ts';
import { aborted } from '../support/aborted.ts';
import type { IpFamily } from '../support/ip-address.ts';
import { tell } from './tell.ts';

const PLACES = {
  IPv4: { loopback: '127.0.0.1', outside: OUTSIDE.IPv4, datagrams: 'udp4' },
  IPv6: { loopback: '::1', outside: OUTSIDE.IPv6, datagrams: 'udp6' },
} as const;

type Place = (typeof PLACES)[IpFamily];

const LOOK_EVERY = 50;
// A redirected call is accepted in microseconds; a busy machine gets a second for it.
const ATTEMPT = 1000;
const FIRST_LINE = 5000;
const LINE_EVERY = 60_000;

type Options = { readonly node: string | undefined; readonly stderr: Writable; readonly signal: AbortSignal };

/** Resolves with true when the traffic is redirected, and with false at the signal; nothing else ends it. */
export async function redirectWait({ node, stderr, signal }: Options): Promise<boolean> {
  const start = performance.now();
  const states: Record<IpFamily, FamilyState> = { IPv4: 'unknown', IPv6: 'unknown' };
  const watchers = await Promise.all([watchFamily('IPv4'), watchFamily('IPv6')]);
  const seconds = (): string => ((performance.now() - start) / 1000).toFixed(1);
  const redirected = Promise.withResolvers<boolean>();
  const look = async ({ family, observe }: FamilyWatcher): Promise<void> => {
    const state = await observe();
    // A call from before the rules ends after those made later.
    if (states[family] !== 'held') states[family] = state;
    if (missingRedirection(states) === undefined) redirected.resolve(true);
  };
  const lookAtAll = (): void => watchers.forEach((watcher) => void look(watcher));
  const complain = (): void => tell(stderr, `${seconds()} s: ${waiting(missingRedirection(states), node)}`);
  let lines: NodeJS.Timeout | undefined;
  const firstLine = setTimeout(() => {
    complain();
    lines = setInterval(complain, LINE_EVERY);
  }, FIRST_LINE);
  const looks = setInterval(lookAtAll, LOOK_EVERY);
  lookAtAll();
  const isRedirected = await Promise.race([redirected.promise, aborted(signal).then(() => false)]);
  clearInterval(looks);
  clearTimeout(firstLine);
  clearInterval(lines);
  for (const { close } of watchers) close();
  if (isRedirected) tell(stderr, `the traffic of this pod is redirected, after ${seconds()} s`);
  return isRedirected;
}

function waiting(missing: string | undefined, node: string | undefined): string {
  const [place, selector] =
    node === undefined ? ['this node', ''] : [`node ${node}`, ` --field-selector=spec.nodeName=${node}`];
  return `this pod waits: ${missing}. To see the redirector of ${place}: kubectl get pods --all-namespaces --selector=app.kubernetes.io/component=redirector${selector}`;
}

type FamilyWatcher = {
  readonly family: IpFamily;
  readonly observe: () => Promise<FamilyState>;
  readonly close: () => void;
};

async function watchFamily(family: IpFamily): Promise<FamilyWatcher> {
  const place: Place = PLACES[family];
  const sockets = new Set<Socket>();
  // The answer proves that it is this process, and not a proxy outside that accepts every call.
  const secret = randomUUID();
  const server = createServer((socket) => socket.on('error', () => undefined).end(secret));
  const listening = await new Promise<'own' | 'taken' | 'none'>((resolve) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'EADDRINUSE' ? 'taken' : 'none'),
    );
    server.listen(OUTBOUND_PORT, place.loopback, () => resolve('own'));
  });
  const answer = { own: secret, taken: '', none: undefined }[listening];
  return {
    family,
    observe: async () => {
      if (!(await hasRoute(place))) return 'no-network';
      return answer !== undefined && (await isTaken(place, answer, sockets)) ? 'held' : 'open';
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Binds a datagram socket to the address outside: asks for the route, and sends nothing. What else fails is no answer. */
function hasRoute({ datagrams, outside }: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(datagrams);
    const end = (error?: NodeJS.ErrnoException): void => {
      socket
        .removeAllListeners()
        .on('error', () => undefined)
        .close();
      resolve(error === undefined || !NO_ROUTE.has(error.code ?? ''));
    };
    socket.once('error', end);
    socket.connect(NOBODYS_PORT, outside, end);
  });
}

/** @param answer of the listener; empty when it is Envoy, which says nothing by itself */
function isTaken({ outside }: Place, answer: string, sockets: Set<Socket>): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: outside, port: NOBODYS_PORT, timeout: ATTEMPT });
    sockets.add(socket);
    let heard = '';
    const end = (isSeen: boolean): void => {
      socket.destroy();
      resolve(isSeen);
    };
    socket.setEncoding('utf8');
    socket.on('connect', () => answer === '' && end(true));
    socket.on('data', (text: string) => {
      heard += text;
      if (heard.length >= answer.length) end(heard === answer);
    });
    socket.on('timeout', () => end(false));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      resolve(false);
    });
  });
}
