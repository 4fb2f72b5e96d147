/** The webhook as it is deployed: the bundle in a process of its own, load over TLS keep-alive from this one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import autocannon from 'autocannon';
import { bundle } from '../../deploy/image/bundle.ts';
import { nodeOptions } from '../../deploy/image/image.ts';
import { writeFolder } from '../../src/certificates/certificate-folder.ts';
import { generateCa, generateServing } from '../../src/certificates/generate.ts';
import { figure, median, percentile } from './figure.ts';
import { cpuSeconds, residentMegabytes } from './process-usage.ts';
import { sampleReview } from './sample-review.ts';

type Server = { readonly child: ChildProcess; readonly port: number; readonly ca: string };

const HEADERS = { 'content-type': 'application/json' };

export async function benchWebhook(short: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-bench-'));
  try {
    await bundle(join(folder, 'dist'));
    const ca = await generateCa(Date.now());
    await writeFolder(join(folder, 'certs'), {
      ca,
      serving: await generateServing(ca, ['127.0.0.1'], Date.now()),
    });
    const binary = [...nodeOptions, join(folder, 'dist/tandem.js'), 'webhook'];
    const starts = await coldStarts(binary, folder, short ? 3 : 10);
    figure('webhook: cold start to the first answer (median)', median(starts.times), 'ms', 'target <= 300');
    figure(
      'webhook: resident memory at the first answer (median)',
      median(starts.memory),
      'MB',
      'target <= 80',
    );
    const size = starts.answer.length;
    const bare = [...nodeOptions, join(import.meta.dirname, 'baseline-server.ts'), `--answer-size=${size}`];
    const plain = await start(bare, folder);
    const baseline = await throughput(plain, short ? 3 : 10, size);
    const plainMemory = await residentMegabytes(plain.child.pid);
    await stop(plain);
    const webhook = await start(binary, folder);
    await throughput(webhook, 2, size);
    const load = await throughput(webhook, short ? 4 : 15, size);
    figure(
      'webhook: admissions per second, 16 connections',
      load.rate,
      '/s',
      `target >= 8000; ${Math.round((load.rate / baseline.rate) * 100)} % of a bare TLS server`,
    );
    figure(
      'webhook: p99 at 16 connections',
      load.p99,
      'ms',
      `target <= 5; a bare TLS server ${baseline.p99} ms`,
    );
    figure(
      'webhook: CPU time per admission',
      load.cpu * 1e6,
      'us',
      `${Math.round(1 / load.cpu)} admissions per CPU second, target >= 5500`,
    );
    const paced = await openLoop(webhook, 1000, short ? 4 : 15);
    figure('webhook: p99 at 1,000 requests a second', percentile(paced, 0.99), 'ms', 'target <= 2');
    figure(
      'webhook: resident memory after the load',
      await residentMegabytes(webhook.child.pid),
      'MB',
      `a bare TLS server ${Math.round(plainMemory)} MB`,
    );
    await stop(webhook);
  } finally {
    await rm(folder, { recursive: true });
  }
}

type Starts = { readonly times: number[]; readonly memory: number[]; readonly answer: string };

async function coldStarts(binary: readonly string[], folder: string, runs: number): Promise<Starts> {
  const times: number[] = [];
  const memory: number[] = [];
  let answer = '';
  for (let run = 0; run < runs; run += 1) {
    const begin = performance.now();
    const server = await start(binary, folder);
    answer = await post(server, sampleReview());
    // The first run also fills the caches of the disk.
    if (run > 0) times.push(performance.now() - begin);
    memory.push(await residentMegabytes(server.child.pid));
    await stop(server);
  }
  checkPatched(answer);
  return { times, memory, answer };
}

/** A server that refuses is fast too. */
function checkPatched(answer: string): void {
  const { response } = JSON.parse(answer) as { response: { allowed: boolean; patch?: string } };
  const patch = Buffer.from(response.patch ?? '', 'base64').toString();
  if (!response.allowed || !patch.includes('/spec/initContainers')) throw new Error(`not patched: ${answer}`);
}

async function start(command: readonly string[], folder: string): Promise<Server> {
  const tls = [
    `--tls-cert-file=${join(folder, 'certs/tls.crt')}`,
    `--tls-key-file=${join(folder, 'certs/tls.key')}`,
  ];
  const args = [
    ...command,
    ...tls,
    '--listen=127.0.0.1:0',
    '--status-listen=127.0.0.1:0',
    '--native-sidecar=on',
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_ENV: 'production' },
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  // Read on, or the log fills the pipe; but not line by line, which would slow the load down.
  lines.close();
  child.stdout.resume();
  const port = Number((JSON.parse(line) as { tls: string }).tls.split(':')[1]);
  return { child, port, ca: await readFile(join(folder, 'certs/ca.crt'), 'utf8') };
}

async function stop({ child }: Server): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function throughput(
  server: Server,
  seconds: number,
  size: number,
): Promise<{ rate: number; p99: number; cpu: number }> {
  const before = await cpuSeconds(server.child.pid);
  const result = await autocannon({
    url: `https://127.0.0.1:${server.port}/mutate`,
    method: 'POST',
    headers: HEADERS,
    body: sampleReview(),
    connections: 16,
    duration: seconds,
    tlsOptions: { ca: server.ca },
  });
  if (result.errors > 0 || result.non2xx > 0)
    throw new Error(`${result.errors} errors, ${result.non2xx} refused`);
  if (result.throughput.total < result.requests.total * size) throw new Error('some answers were short');
  return {
    rate: result.requests.average,
    p99: result.latency.p99,
    cpu: ((await cpuSeconds(server.child.pid)) - before) / result.requests.total,
  };
}

/** Requests leave at their time whether earlier ones are answered or not; waiting in line counts. */
async function openLoop(server: Server, rate: number, seconds: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const body = sampleReview();
  const samples: Promise<number>[] = [];
  const begin = performance.now();
  while (samples.length < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - begin) / 1000) * rate));
    while (samples.length < due) samples.push(timed(server, body, agent));
    await wait(1);
  }
  const times = await Promise.all(samples);
  agent.destroy();
  // The first second opens the connections.
  return times.slice(rate);
}

async function timed(server: Server, body: string, agent: Agent): Promise<number> {
  const begin = performance.now();
  await post(server, body, agent);
  return performance.now() - begin;
}

function post({ port, ca }: Server, body: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca, path: '/mutate', method: 'POST', headers: HEADERS };
    const call = request(agent === undefined ? options : { ...options, agent }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(answer) : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}
