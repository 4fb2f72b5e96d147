/**
 * A client that asks its UPSTREAM at a steady pace: `load.ts <requests a second> <new|kept>`, over a new connection for
 * each request or over kept ones. At SIGTERM it writes what came of it, as JSON, and ends.
 */
import { Agent, get } from 'node:http';
import { setInterval as every } from 'node:timers/promises';

const [host, port] = (process.env['UPSTREAM'] ?? '').split(':');
const [rate = '', connections = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: connections === 'kept' });
const answers = new Map<string, number>();
const failures: string[] = [];
let pending = 0;
let isStopping = false;
process.once('SIGTERM', () => (isStopping = true));

function count(name: string): void {
  answers.set(name, (answers.get(name) ?? 0) + 1);
}

function ask(): void {
  pending += 1;
  const since = performance.now();
  const failed = (reason: string): void => {
    pending -= 1;
    failures.push(`${new Date().toISOString()}: ${reason} after ${Math.round(performance.now() - since)} ms`);
  };
  const request = get({ host, port, agent, timeout: 10_000 }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    response.once('close', () => {
      if (!response.complete || response.statusCode !== 200) return failed(`status ${response.statusCode}`);
      pending -= 1;
      count(body);
    });
  });
  request.once('timeout', () => request.destroy(new Error('silent for 10 s')));
  request.once('error', ({ message }) => failed(message));
}

// It is there before its upstream is.
for await (const _ of every(100)) {
  if (await new Promise((resolve) => get({ host, port }, resolve).once('error', () => resolve(undefined))))
    break;
}
process.stdout.write('serving\n');
for await (const _ of every(1000 / Number(rate))) {
  if (!isStopping) ask();
  else if (pending === 0) break;
}
process.stdout.write(`${JSON.stringify({ answers: Object.fromEntries(answers), failures })}\n`);
process.exit(0);
