/**
 * A program for a network namespace: servers that say a word each and read what comes, and calls on request. It is asked by
 * lines of JSON on its standard input, and answers each with a line.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { get as getByHttp } from 'node:http';
import { createConnection, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { text as textOf } from 'node:stream/consumers';

/** Port → bytes that came. */
const received = {};

async function serveTcp(port, word) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => (received[port] = (received[port] ?? 0) + data.length));
    socket.write(word);
  }).listen(port, '::');
  await once(server, 'listening');
}

async function serveUdp(port, word) {
  const socket = createSocket('udp6').bind(port, '::');
  socket.on('message', (_text, { port: from, address }) => socket.send(word, from, address));
  await once(socket, 'listening');
}

/** The word of who answers, or what comes instead; `quiet` when a call was taken and nothing is said. */
function call({ host, port, uid = 0, bytes = 0, patience = 5000 }) {
  return new Promise((resolve) => {
    // Of the user who opens the socket, which happens in the next tick.
    process.seteuid(uid);
    const socket = createConnection({ host, port, noDelay: true });
    let word = 'lost';
    const end = (said) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(said);
    };
    const timer = setTimeout(() => end(word), patience);
    socket.on('connect', () => {
      word = 'quiet';
      if (bytes > 0) socket.write('x'.repeat(bytes));
    });
    socket.on('data', (data) => end(String(data)));
    socket.on('error', ({ code }) => end(code));
    process.nextTick(() => process.nextTick(() => process.seteuid(0)));
  });
}

function ask({ host, port, patience = 1000 }) {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const end = (said) => {
      clearTimeout(timer);
      socket.close();
      resolve(said);
    };
    const timer = setTimeout(() => end('lost'), patience);
    socket.on('message', (text) => end(String(text)));
    socket.send('?', port, host, (error) => error && end(error.code));
  });
}

/** Status and body, or the error of the system; by a new connection. */
function get({ url }) {
  return new Promise((resolve) => {
    getByHttp(url, { agent: false }, (answer) => {
      const body = textOf(answer).catch(({ code }) => code);
      resolve(body.then((read) => `${answer.statusCode} ${read.trim()}`));
    }).on('error', ({ code }) => resolve(code));
  });
}

const kinds = {
  serve: async ({ tcp = {}, udp = {} }) => {
    for (const [port, word] of Object.entries(tcp)) await serveTcp(Number(port), word);
    for (const [port, word] of Object.entries(udp)) await serveUdp(Number(port), word);
  },
  call,
  ask,
  get,
  received: async ({ port }) => received[port] ?? 0,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, kind, ...request } = JSON.parse(line);
  void kinds[kind](request).then((answer) => process.stdout.write(`${JSON.stringify({ id, answer })}\n`));
}
