/** Redirects the traffic of the pods of a node: looks for processes that wait, and has the rules of their pod written. */
import type { Clock } from '../support/clock.ts';
import { parseRedirectOptions } from './options.ts';
import type { PendingPod } from './pending-pod.ts';
import type { ProcessScan, WaitingProcess } from './process-scan.ts';
import { redirectRules } from './rules.ts';

export type Redirection =
  | { readonly kind: 'applied' }
  /** The process is gone. */
  | { readonly kind: 'gone' }
  /** Nothing was done, and it is tried again. */
  | { readonly kind: 'failed'; readonly why: string };

type RedirectorPorts = {
  readonly clock: Clock;
  readonly scan: ProcessScan;
  /** Writes the rules into the network namespace of the process, whole or not at all; never rejects. */
  readonly apply: (process: WaitingProcess, rules: string) => Promise<Redirection>;
  readonly onRedirection: (pod: PendingPod, process: WaitingProcess, outcome: Redirection) => void;
  /** @param problem with the annotation: the pod is not looked for until it is another one */
  readonly onInvalid: (pod: PendingPod, problem: string) => void;
};

export type Redirector = {
  readonly podChanged: (before: PendingPod | undefined, after: PendingPod | undefined) => void;
  readonly stop: () => void;
};

const LOOK_EVERY = { fresh: 50, old: 250 };
const FRESH = 10_000;
/** As with a pod of which something was refused, but within the patience of who looks at it. */
const BACKOFF = { first: 1000, longest: 60_000 };
// Each is a process of some milliseconds; a hundred pods that start at once must not be a hundred of them.
const MOST_AT_ONCE = 16;

type Wanted = { readonly pod: PendingPod; readonly rules: string; readonly changed: number };
type Attempt = { readonly failures: number; /** Undefined: on its way, or done. */ readonly next?: number };

export function createRedirector(ports: RedirectorPorts): Redirector {
  const { clock } = ports;
  const wanted = new Map<string, Wanted>();
  let attempts = new Map<string, Attempt>();
  let running = 0;
  let due: { readonly at: number; readonly cancel: () => void } | undefined;

  const attempt = async (key: string, waiting: WaitingProcess, { pod, rules }: Wanted): Promise<void> => {
    const failures = (attempts.get(key)?.failures ?? 0) + 1;
    attempts.set(key, { failures });
    running += 1;
    const outcome = await ports.apply(waiting, rules);
    running -= 1;
    if (outcome.kind === 'failed') {
      const pause = Math.min(BACKOFF.first * 2 ** (failures - 1), BACKOFF.longest);
      attempts.set(key, { failures, next: clock.elapsed() + pause });
    }
    ports.onRedirection(pod, waiting, outcome);
  };

  const look = (): void => {
    due = undefined;
    const found = ports.scan(new Set(wanted.keys()));
    const before = attempts;
    // Nothing is remembered of a process that is gone.
    attempts = new Map();
    for (const waiting of found) {
      const key = `${waiting.pid} ${waiting.start}`;
      const earlier = before.get(key);
      if (earlier !== undefined) attempts.set(key, earlier);
      const isDue = earlier === undefined || (earlier.next !== undefined && earlier.next <= clock.elapsed());
      const pod = wanted.get(waiting.podUid);
      if (pod !== undefined && isDue && running < MOST_AT_ONCE) void attempt(key, waiting, pod);
    }
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
      if (before !== undefined) wanted.delete(before.uid);
      if (after !== undefined) {
        const parsed = parseRedirectOptions(after.annotation);
        if (parsed.kind === 'options')
          wanted.set(after.uid, {
            pod: after,
            rules: redirectRules(parsed.options),
            changed: clock.elapsed(),
          });
        else if (before?.annotation !== after.annotation) ports.onInvalid(after, parsed.problem);
      }
      schedule();
    },
    stop: () => {
      wanted.clear();
      schedule();
    },
  };
}
