/** The webhook as it is deployed, beside bare servers that answer as many bytes, in turns: what counts is the ratio in one run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { writeFolder } from '../../src/certificates/certificate-folder.ts';
import { generateCa, generateServing } from '../../src/certificates/generate.ts';
import { TANDEM } from '../real/harness/tandem-program.ts';
import { figure, median, percentile } from './figure.ts';
import { residentMegabytes } from './process-usage.ts';
import { entryReview, numberedPod, probedPod, samplePod, sampleReview, skippedPod } from './sample-review.ts';
import { load, type Load } from './webhook/load.ts';
import { post, startServer, stopServer, type ServerProcess } from './webhook/server-process.ts';
import { stages } from './webhook/stages.ts';

const BARE = join(import.meta.dirname, 'webhook/bare-server.ts');

export async function benchWebhook(short: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-bench-'));
  try {
    const ca = await generateCa(Date.now());
    await writeFolder(join(folder, 'certs'), {
      ca,
      serving: generateServing(ca, ['127.0.0.1'], Date.now()),
    });
    await benchColdStart(folder, short ? 2 : 10);
    const webhook = await startWebhook(folder);
    await benchLoad(webhook, folder, short);
    const paced = await openLoop(webhook, 1000, short ? 1.5 : 15);
    figure('webhook: p99 at 1,000 requests a second', percentile(paced, 0.99), 'ms', 'target <= 2');
    figure('webhook: resident memory after the load', await residentMegabytes(webhook.child.pid), 'MB', '');
    await stopServer(webhook);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function startWebhook(folder: string, more: readonly string[] = []): Promise<ServerProcess> {
  const flags = ['--listen=127.0.0.1:0', '--status-listen=127.0.0.1:0', '--native-sidecar=on', ...more];
  return startServer([TANDEM, 'webhook', ...flags], folder);
}

async function benchColdStart(folder: string, runs: number): Promise<void> {
  const times: number[] = [];
  const memory: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const begin = performance.now();
    const server = await startWebhook(folder);
    checkPatched(await post(server, sampleReview()));
    // The first run also fills the caches of the disk.
    if (run > 0) times.push(performance.now() - begin);
    memory.push(await residentMegabytes(server.child.pid));
    await stopServer(server);
  }
  figure('webhook: cold start to the first answer (median)', median(times), 'ms', 'target <= 300');
  figure('webhook: resident memory at the first answer (median)', median(memory), 'MB', 'target <= 80');
}

/** A server that refuses is fast too. */
function checkPatched(answer: string): void {
  const { response } = JSON.parse(answer) as { response: { allowed: boolean; patch?: string } };
  const patch = Buffer.from(response.patch ?? '', 'base64').toString();
  if (!response.allowed || !patch.includes('/spec/initContainers')) throw new Error(`not patched: ${answer}`);
}

const BODIES = {
  pod: sampleReview(),
  /** Each one another, of which nothing was seen before. */
  first: sampleReview(numberedPod()),
  skipped: sampleReview(skippedPod()),
  large: sampleReview(samplePod(1500)),
  probed: sampleReview(probedPod(false)),
  redirected: sampleReview(probedPod(true)),
  entry: entryReview('many sources'),
  usualEntry: entryReview('few sources'),
};

type Body = keyof typeof BODIES;

const VALIDATE = '/validate/config-entries';

type Turn = { readonly server: ServerProcess; readonly body: Body; readonly path?: string };

async function benchLoad(webhook: ServerProcess, folder: string, short: boolean): Promise<void> {
  const entries = await startWebhook(folder, ['--config-entries']);
  const bare = async (kind: 'node' | 'fastify', body: Body, path = '/mutate'): Promise<ServerProcess> => {
    const size = (await post(entries, BODIES[body], { path })).length;
    return startServer([BARE, `--server=${kind}`, `--answer-size=${size}`], folder);
  };
  const [node, fastify, skipping, reviewing, reviewingUsual] = await Promise.all([
    bare('node', 'pod'),
    bare('fastify', 'pod'),
    bare('fastify', 'skipped'),
    bare('fastify', 'entry', VALIDATE),
    bare('fastify', 'usualEntry', VALIDATE),
  ]);
  const measured = await inTurns(
    {
      node: { server: node, body: 'pod' },
      fastify: { server: fastify, body: 'pod' },
      webhook: { server: webhook, body: 'pod' },
      first: { server: webhook, body: 'first' },
      bareSkipped: { server: skipping, body: 'skipped' },
      skipped: { server: webhook, body: 'skipped' },
      large: { server: webhook, body: 'large' },
      probed: { server: webhook, body: 'probed' },
      redirected: { server: webhook, body: 'redirected' },
      bareEntry: { server: reviewing, body: 'entry' },
      entry: { server: entries, body: 'entry', path: VALIDATE },
      bareUsualEntry: { server: reviewingUsual, body: 'usualEntry' },
      usualEntry: { server: entries, body: 'usualEntry', path: VALIDATE },
    },
    short ? { warmUps: 0, rounds: 1, seconds: 1 } : { warmUps: 1, rounds: 5, seconds: 5 },
    folder,
  );
  await Promise.all([entries, node, fastify, skipping, reviewing, reviewingUsual].map(stopServer));
  reportLoad(measured);
  await reportStages(measured.webhook.cpu, short ? 200 : 2000);
}

/** Of one admission. */
type Cost = {
  /** Seconds of CPU of the server. */
  readonly cpu: number;
  /** Milliseconds. */
  readonly p99: number;
  /** Requests a second. */
  readonly rate: number;
};

/** The medians of some rounds, after those that warm up. Whatever else the machine does, it does to all of them. */
async function inTurns<N extends string>(
  turns: Readonly<Record<N, Turn>>,
  { warmUps, rounds, seconds }: Readonly<Record<'warmUps' | 'rounds' | 'seconds', number>>,
  folder: string,
): Promise<Readonly<Record<N, Cost>>> {
  const names = Object.keys(turns) as N[];
  const loads = new Map<N, Load[]>(names.map((name) => [name, []]));
  for (let round = 0; round < warmUps + rounds; round += 1)
    for (const name of names) {
      const { server, body, path = '/mutate' } = turns[name];
      const one = await load(server, { path, body: BODIES[body] }, seconds, folder);
      if (round >= warmUps) loads.get(name)?.push(one);
    }
  const costs = [...loads].map(([name, each]) => [name, costOf(each)] as const);
  return Object.fromEntries(costs) as Record<N, Cost>;
}

function costOf(loads: readonly Load[]): Cost {
  return {
    cpu: median(loads.map(({ cpu, requests }) => cpu / requests)),
    p99: median(loads.map(({ p99 }) => p99)),
    rate: median(loads.map(({ requests, seconds }) => requests / seconds)),
  };
}

type Measured = Readonly<
  Record<
    Exclude<Body, 'pod'> | 'node' | 'fastify' | 'webhook' | 'bareSkipped' | 'bareEntry' | 'bareUsualEntry',
    Cost
  >
>;

function reportLoad(measured: Measured): void {
  const { node, fastify, webhook, first, bareSkipped, skipped, large } = measured;
  const perSecond = ({ cpu }: Cost): number => Math.round(1 / cpu);
  const share = (bare: Cost, ours = webhook): string => `${Math.round((bare.cpu / ours.cpu) * 100)} %`;
  figure(
    'webhook: requests per CPU second of the server',
    perSecond(webhook),
    '/s',
    `target >= 60 % of bare Fastify: ${share(fastify)} of its ${perSecond(fastify)}; ${share(node)} of the ${perSecond(node)} of bare node:https`,
  );
  figure(
    'webhook: the same where each pod is the first of its workload',
    perSecond(first),
    '/s',
    `${share(fastify, first)} of bare Fastify`,
  );
  figure('webhook: requests per second, 16 connections', webhook.rate, '/s', '');
  figure(
    'webhook: p99 at 16 connections',
    webhook.p99,
    'ms',
    `${ratio(webhook.p99, fastify.p99)} x bare Fastify, target <= 1.3`,
  );
  figure(
    'webhook: CPU of a pod that is skipped',
    skipped.cpu * 1e6,
    'us',
    `${ratio(skipped.cpu, bareSkipped.cpu)} x bare Fastify, target <= 1.15`,
  );
  figure(
    'webhook: CPU of a redirected pod with three probes',
    measured.redirected.cpu * 1e6,
    'us',
    `${ratio(measured.redirected.cpu, measured.probed.cpu)} x the same without, target <= 1.25`,
  );
  reportEntry('20 sources', measured.entry, measured.bareEntry);
  reportEntry('3 sources', measured.usualEntry, measured.bareUsualEntry);
  figure('webhook: CPU of a pod with 1,500 variables', large.cpu * 1e3, 'ms', 'target <= 0.6');
}

function reportEntry(size: string, entry: Cost, bare: Cost): void {
  figure(
    `webhook: p99 of a config entry with ${size} at 16 connections`,
    entry.p99,
    'ms',
    `target <= 5; ${ratio(entry.p99, bare.p99)} x bare Fastify, ${ratio(entry.cpu, bare.cpu)} x its CPU, target <= 1.4`,
  );
}

/** @param runs of each stage in a round */
async function reportStages(cpu: number, runs: number): Promise<void> {
  const { usual, first } = await stages(runs);
  const sum = Object.values(usual).reduce((total, one) => total + one, 0);
  for (const [stage, one] of Object.entries(usual))
    figure(`webhook: CPU of an admission: ${stage}`, one * 1e6, 'us', 'alone and warm');
  for (const [stage, one] of Object.entries(first))
    figure(`webhook: CPU of the first of a workload: ${stage}`, one * 1e6, 'us', 'alone and warm');
  figure(
    'webhook: CPU of an admission: TLS, HTTP, log and metrics',
    (cpu - sum) * 1e6,
    'us',
    `the rest of ${Math.round(cpu * 1e6)} us`,
  );
}

function ratio(part: number, whole: number): string {
  return (part / whole).toFixed(2);
}

/** Requests leave at their time whether earlier ones are answered or not; waiting in line counts. */
async function openLoop(server: ServerProcess, rate: number, seconds: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const samples: Promise<number>[] = [];
  const begin = performance.now();
  while (samples.length < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - begin) / 1000) * rate));
    while (samples.length < due) samples.push(timed(server, agent));
    await wait(1);
  }
  const times = await Promise.all(samples);
  agent.destroy();
  // The first second opens the connections.
  return times.slice(rate);
}

async function timed(server: ServerProcess, agent: Agent): Promise<number> {
  const begin = performance.now();
  await post(server, BODIES.pod, { agent });
  return performance.now() - begin;
}
