/** What a failure leaves for whoever looks into it later, when the cluster is gone. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { lastLines } from '../../real/harness/processes.ts';
import type { Cluster } from './cluster.ts';
import { consulApi, consulTroubles } from './consul.ts';
import { containersOf, eventsOf, isReady, podsOf, type Pod } from './list.ts';
import { summary } from './trouble.ts';

const EVIDENCE = join(tmpdir(), 'tandem-evidence');
const LOG_LINES = 2000;
const SILENCE_MILLISECONDS = 10_000;

type Body = (context: TestContext) => Promise<void>;

/**
 * `test` of node:test, whose failures name the folder with the evidence of these namespaces.
 *
 * The timeout is in milliseconds; that of the suite, unless told.
 */
export function testOn(
  cluster: Cluster,
  namespaces: readonly string[],
): (name: string, body: Body, timeout?: number) => void {
  return (name, body, timeout) =>
    void test(name, timeout === undefined ? {} : { timeout }, (context) =>
      withEvidence(cluster, namespaces, name, () => body(context)),
    );
}

/** What `action` gives. Rejects as it does, with what is wrong in the namespaces and the folder that has all of it. */
export async function withEvidence<T>(
  cluster: Cluster,
  namespaces: readonly string[],
  name: string,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    // Of several steps around each other, the innermost has seen it first.
    if (error instanceof Error && error.message.includes(EVIDENCE)) throw error;
    const seen = await keepEvidence(cluster, namespaces, name, messageOf(error)).catch(
      (problem: unknown) => `no evidence: ${messageOf(problem)}`,
    );
    throw new Error(`${messageOf(error)}\n\n${seen}`, { cause: error });
  }
}

/** Gives what is wrong at first sight, with the folder. */
async function keepEvidence(
  cluster: Cluster,
  namespaces: readonly string[],
  name: string,
  problem: string,
): Promise<string> {
  mkdirSync(EVIDENCE, { recursive: true });
  const file = basename(process.argv[1] ?? '').replace('.test.ts', '');
  const slug = `${file}-${name}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const folder = mkdtempSync(join(EVIDENCE, `${slug.slice(0, 80)}-`));
  const wrong = (await Promise.all(namespaces.map((each) => ofNamespace(cluster, each, folder)))).flat();
  await keep(folder, 'nodes.txt', () => cluster.kubectl(['describe', 'nodes']));
  const consul = await ofConsul(cluster, folder);
  const lines = [...wrong, ...consul, `Evidence: ${folder}`].join('\n');
  writeFileSync(join(folder, 'summary.txt'), `${problem}\n\n${lines}\n`);
  return lines;
}

async function ofNamespace(cluster: Cluster, namespace: string, folder: string): Promise<readonly string[]> {
  const { api, kubectl } = cluster;
  const of = ['--namespace', namespace];
  await keep(folder, `${namespace}-objects.txt`, () => kubectl(['get', 'all', '-o', 'wide', ...of]));
  await keep(folder, `${namespace}-events.txt`, () =>
    kubectl(['get', 'events', '--sort-by=.metadata.creationTimestamp', ...of]),
  );
  await keep(folder, `${namespace}-describe.txt`, () => kubectl(['describe', 'pods', ...of]));
  const [pods, events] = await Promise.all([podsOf(api, namespace), eventsOf(api, namespace)]);
  const words: string[] = [];
  for (const pod of pods) words.push(...(await keepLogs(cluster, pod, folder)));
  return [...summary(pods, events), ...words].map((line) => `${namespace}: ${line}`);
}

/** Nothing when no server of Consul answers, which the pods then say. */
async function ofConsul(cluster: Cluster, folder: string): Promise<readonly string[]> {
  const consul = consulApi(cluster);
  for (const path of ['catalog/nodes', 'catalog/services', 'health/state/any', 'config/service-intentions'])
    await keep(folder, `consul-${path.replaceAll('/', '-')}.json`, async () =>
      JSON.stringify(await consul('GET', `/v1/${path}`), undefined, 2),
    );
  return inTime(consulTroubles(consul)).catch(() => []);
}

/** Gives the last words of what ended and should not have, and of what runs and is not ready. */
async function keepLogs({ api }: Cluster, pod: Pod, folder: string): Promise<readonly string[]> {
  const { metadata } = pod;
  const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/log`;
  const log = async (query: string): Promise<string> => {
    const { status, body } = await api.request('GET', `${path}?tailLines=${LOG_LINES}&${query}`);
    // One line of JSON is read as JSON.
    const lines = typeof body === 'string' ? body : JSON.stringify(body);
    return status === 200 ? lines : '';
  };
  const words: string[] = [];
  for (const { name, restartCount, state } of containersOf(pod)) {
    const file = `${metadata.namespace}-${metadata.name}-${name}`;
    const current = await keep(folder, `${file}.log`, () => log(`container=${name}`));
    const before =
      restartCount === 0
        ? ''
        : await keep(folder, `${file}-before.log`, () => log(`container=${name}&previous=true`));
    if (restartCount > 0 || (state?.terminated?.exitCode ?? 0) !== 0)
      words.push(`${metadata.name}, ${name} ended with the words: ${lastLines(before || current, 3)}`);
    else if (!isReady(pod) && state?.terminated === undefined && current !== '')
      words.push(`${metadata.name}, ${name} says: ${lastLines(current, 1)}`);
  }
  return words;
}

/** What cannot be had is no reason to lose the rest: the file then says why. Nothing to say makes no file. */
async function keep(folder: string, file: string, text: () => Promise<string>): Promise<string> {
  const content = await inTime(text()).catch((error: unknown) => messageOf(error));
  if (content !== '') writeFileSync(join(folder, file), content);
  return content;
}

/** A node that is gone answers nobody, and the API server waits for it. */
function inTime<T>(asked: Promise<T>): Promise<T> {
  const silence = delay(SILENCE_MILLISECONDS, undefined, { ref: false }).then((): never => {
    throw new Error(`no answer in ${SILENCE_MILLISECONDS} ms`);
  });
  return Promise.race([asked, silence]);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${messageOf(error.cause)}`;
}
