/** Tells which services changed, by two queries about all checks: for more services than there are queries that can wait. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HealthRule } from '../catalog/to-kubernetes/to-k8s-settings.ts';
import type { Answer } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import type { CheckEntry } from '../model/consul-entries.ts';
import { follow } from './follow.ts';
import { readChecks, type ReadOptions } from './read.ts';
import { untilStopped } from './until-stopped.ts';

export type CheckNews =
  /** What was read before may be old; every change from now on is reported. */
  | { readonly kind: 'began' }
  | {
      /** `instances`: one may also have come, gone or changed in a way that no check shows. */
      readonly kind: 'checks' | 'instances';
      /** Whose own checks changed, each with the index of the newest; `GONE` when one is no longer there. */
      readonly services: ReadonlyMap<string, number>;
      /** Nodes whose checks changed, which concerns every instance there. */
      readonly nodes: ReadonlySet<string>;
    };

export type CheckSignals = {
  /** The list of services has changed, so that an instance may have come or gone. */
  readonly listChanged: () => void;
  /** Resolves when no query is left. */
  readonly stop: () => Promise<void>;
};

type CheckSignalsOptions = {
  readonly client: ConsulCalls;
  readonly healthRule: HealthRule;
  /** When it rejects, the same is reported again later, with what changed meanwhile. */
  readonly onNews: (news: CheckNews, signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown, retryMilliseconds: number) => void;
  readonly random: () => number;
};

// These are few, so the answer is small however often checks change.
const UNHEALTHY: Readonly<Record<HealthRule, string>> = {
  'not-critical': 'Status == "critical"',
  passing: 'Status != "passing"',
};
const OF_SERVICES = 'ServiceName != ""';
// Milliseconds between two answers: changes that come together are read together, and the answers are small.
const TOGETHER = 25;
// All checks of 2,000 services are 3 MB: reading them takes a tenth of the time at most, here and at the server.
const REST_FACTOR = 10;
const SHORTEST_REST = 100;

/** Starts at once. */
export function checkSignals({
  client,
  healthRule,
  onNews,
  onFailure,
  random,
}: CheckSignalsOptions): CheckSignals {
  const ending = new AbortController();
  const { signal } = ending;
  const instancesKnown = Promise.withResolvers<void>();
  let listChange = Promise.withResolvers<void>();

  async function followHealth(): Promise<void> {
    const read = (options: ReadOptions) => readChecks(client, { ...options, filter: UNHEALTHY[healthRule] });
    let before: Marks | undefined;
    await instancesKnown.promise;
    const onAnswer = async ({ value }: Answer<readonly CheckEntry[]>): Promise<void> => {
      const after = marksOf(value, ({ Node, CheckID }) => [Node, CheckID]);
      const news = before === undefined ? { kind: 'began' as const } : newsOf('checks', before, after);
      if (news.kind === 'began' || news.services.size + news.nodes.size > 0) await onNews(news, signal);
      before = after;
    };
    await follow(read, { signal, random, pause: shortly, onFailure, onAnswer });
  }

  async function followInstances(): Promise<void> {
    let before: Marks | undefined;
    await untilStopped({ signal, random, onFailure }, async (succeeded) => {
      const started = performance.now();
      const { value } = await readChecks(client, { signal, filter: OF_SERVICES });
      const after = marksOf(value, identityOf);
      if (before !== undefined) await onNews(newsOf('instances', before, after), signal);
      before = after;
      succeeded();
      instancesKnown.resolve();
      const rest = Math.max(SHORTEST_REST, (performance.now() - started) * REST_FACTOR);
      await delay(rest, undefined, { signal });
      await listChange.promise;
      listChange = Promise.withResolvers();
    });
  }

  const running = Promise.all([followHealth(), followInstances()]);
  return {
    listChanged: () => listChange.resolve(),
    stop: async () => {
      ending.abort();
      listChange.resolve();
      instancesKnown.resolve();
      await running;
    },
  };
}

async function shortly(signal: AbortSignal): Promise<void> {
  await delay(TOGETHER, undefined, { signal });
}

/** Without an index: nobody knows when a check was removed. */
const GONE = Infinity;

/** What tells a check from others → where it belongs, and the index of its last change. */
type Marks = ReadonlyMap<string, Mark>;
type Mark = { readonly service: string; readonly node: string; readonly index: number };

function marksOf(checks: readonly CheckEntry[], identity: (check: CheckEntry) => readonly unknown[]): Marks {
  return new Map(
    checks.map((check) => [
      JSON.stringify(identity(check)),
      { service: check.ServiceName, node: check.Node, index: check.ModifyIndex },
    ]),
  );
}

/** A check that was registered again after it was gone has another index. */
function identityOf({ Node, CheckID, ServiceID, CreateIndex }: CheckEntry): readonly unknown[] {
  return [Node, CheckID, ServiceID, CreateIndex];
}

/** Of the checks that only one of the two has. */
function newsOf(
  kind: 'checks' | 'instances',
  before: Marks,
  after: Marks,
): Exclude<CheckNews, { kind: 'began' }> {
  const onlyIn = (some: Marks, others: Marks): readonly Mark[] =>
    [...some].filter(([key]) => !others.has(key)).map(([, mark]) => mark);
  const gone = onlyIn(before, after).map((mark) => ({ ...mark, index: GONE }));
  const services = new Map<string, number>();
  const nodes = new Set<string>();
  for (const { service, node, index } of [...gone, ...onlyIn(after, before)]) {
    if (service === '') nodes.add(node);
    else services.set(service, Math.max(index, services.get(service) ?? 0));
  }
  return { kind, services, nodes };
}
