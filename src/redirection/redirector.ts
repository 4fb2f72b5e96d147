/** Redirects the traffic of the pods of a node: finds processes that wait, and has the rules of their pod written. */
import type { Clock } from '../support/clock.ts';
import { parseRedirectOptions } from './options.ts';
import type { PendingPod } from './pending-pod.ts';
import type { ProcessScan, WaitingProcess } from './process-scan.ts';
import { redirectRules } from './rules.ts';
import { createRedirectionTurns } from './redirection-turns.ts';

export type Redirection =
  | { readonly kind: 'applied' }
  /** The process is gone. */
  | { readonly kind: 'gone' }
  /** Nothing was done, and it will be tried again. */
  | { readonly kind: 'failed'; readonly why: string };

type RedirectorPorts = {
  readonly clock: Clock;
  readonly scan: ProcessScan;
  /** Writes the rules into the network namespace of the process, whole or not at all; never rejects. */
  readonly apply: (process: WaitingProcess, rules: string) => Promise<Redirection>;
  readonly onRedirection: (pod: PendingPod, process: WaitingProcess, outcome: Redirection) => void;
  /** @param problem with the annotation: the pod is ignored until it changes */
  readonly onInvalid: (pod: PendingPod, problem: string) => void;
};

type Redirector = {
  readonly podChanged: (before: PendingPod | undefined, after: PendingPod | undefined) => void;
  readonly stop: () => void;
};

const LOOK_EVERY = { fresh: 50, old: 250 };
const FRESH = 10_000;

type Wanted = { readonly pod: PendingPod; readonly changed: number };

export function createRedirector(ports: RedirectorPorts): Redirector {
  const { clock } = ports;
  const turns = createRedirectionTurns(clock);
  const wanted = new Map<string, Wanted>();
  let found: readonly WaitingProcess[] = [];
  /** How often each was tried; Infinity when nothing remains to be done. */
  let tries = new Map<string, number>();
  let due: { readonly at: number; readonly cancel: () => void } | undefined;

  const attempt = async (waiting: WaitingProcess, pod: PendingPod, rules: string): Promise<void> => {
    turns.begin(pod);
    const outcome = await ports.apply(waiting, rules);
    turns.end(pod);
    const key = keyOf(waiting);
    tries.set(key, outcome.kind === 'failed' ? (tries.get(key) ?? 0) + 1 : Infinity);
    ports.onRedirection(pod, waiting, outcome);
    begin();
  };

  /** Pods that had the fewest turns come first. */
  const begin = (): void => {
    const inOrder = [...leastTried(found, tries)].sort(([a], [b]) => turns.count(a) - turns.count(b));
    for (const [uid, waiting] of inOrder) {
      const pod = wanted.get(uid)?.pod;
      if (pod === undefined || !turns.mayBegin(pod)) continue;
      const parsed = parseRedirectOptions(pod.annotation);
      if (parsed.kind === 'options') void attempt(waiting, pod, redirectRules(parsed.options));
    }
  };

  const look = (): void => {
    due = undefined;
    found = ports.scan(new Set(wanted.keys()));
    // Nothing is remembered of a process that is gone.
    tries = new Map(found.map((each) => [keyOf(each), tries.get(keyOf(each)) ?? 0]));
    turns.forget((uid) => wanted.has(uid));
    begin();
    schedule();
  };

  const schedule = (): void => {
    if (wanted.size === 0) {
      due?.cancel();
      due = undefined;
      return;
    }
    const now = clock.elapsed();
    const isFresh = [...wanted.values()].some(({ changed }) => now - changed < FRESH);
    const pause = isFresh ? LOOK_EVERY.fresh : LOOK_EVERY.old;
    if (due !== undefined && due.at <= now + pause) return;
    due?.cancel();
    due = { at: now + pause, cancel: clock.after(pause, look) };
  };

  return {
    podChanged: (before, after) => {
      const isSame = before?.uid === after?.uid && before?.annotation === after?.annotation;
      const wasWanted = before !== undefined && wanted.delete(before.uid);
      if (after !== undefined) {
        const problem = isSame ? undefined : problemOf(after);
        if (problem !== undefined) ports.onInvalid(after, problem);
        else if (wasWanted || !isSame) wanted.set(after.uid, { pod: after, changed: clock.elapsed() });
      }
      schedule();
    },
    stop: () => {
      wanted.clear();
      schedule();
    },
  };
}

function keyOf({ pid, start }: WaitingProcess): string {
  return `${pid} ${start}`;
}

/** One process of each pod that has one left. */
function leastTried(
  found: readonly WaitingProcess[],
  tries: ReadonlyMap<string, number>,
): ReadonlyMap<string, WaitingProcess> {
  const least = new Map<string, WaitingProcess>();
  const triesOf = (each: WaitingProcess | undefined): number => (each && tries.get(keyOf(each))) ?? Infinity;
  for (const each of found) if (triesOf(each) < triesOf(least.get(each.podUid))) least.set(each.podUid, each);
  return least;
}

function problemOf({ annotation }: PendingPod): string | undefined {
  const parsed = parseRedirectOptions(annotation);
  return parsed.kind === 'invalid' ? parsed.problem : undefined;
}
