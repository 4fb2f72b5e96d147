/** The leader's loop: observes, decides, does one step, and observes again, until its term ends. */
import { backoff } from '../support/backoff.ts';
import { TandemError } from '../support/errors.ts';
import { contentAfter } from './content-after.ts';
import { nextStep, type RotationTimes, type Step } from './next-step.ts';
import type { SharedView } from './shared-view.ts';
import type { SecretTexts } from './secret-content.ts';

/** `conflict`: somebody else wrote since this process read. */
type WriteOutcome = 'written' | 'conflict';

/** One version of the Secret. */
type SharedSecret = {
  readonly texts: SecretTexts;
  /** Writes in place of this version, or not at all. */
  readonly replace: (texts: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<WriteOutcome>;
};

/** What the leader asks of the cluster; each may throw a TandemError. */
export type RotationPorts = {
  /** When it resolves, the view shows what is there now. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
  /** The Secret of the view. */
  readonly secret: () => SharedSecret;
  /** Gives this bundle (PEM) to every entry of the webhook configurations, as the view shows them. */
  readonly publish: (bundle: string, signal: AbortSignal) => Promise<WriteOutcome>;
  /** Resolves after so many milliseconds, or when the view has changed or the signal is aborted. */
  readonly changed: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

type RotationOptions = {
  readonly view: SharedView;
  readonly ports: RotationPorts;
  readonly hosts: readonly string[];
  readonly times: RotationTimes;
  readonly random: () => number;
  readonly onStep: (step: Step) => void;
  readonly onFailure: (error: TandemError) => void;
};

/** The longest time between two observations, so that a clock that was set is noticed; renewals have days to spare. */
const LONGEST_PAUSE = 60_000;

/** Runs until the signal is aborted, whatever fails. */
export async function rotate(options: RotationOptions, signal: AbortSignal): Promise<void> {
  const { ports, onFailure } = options;
  const delays = backoff(options.random);
  while (!signal.aborted) {
    const outcome: WriteOutcome | number | TandemError = await reconcile(options, signal).catch(
      (error: unknown) => {
        if (!(error instanceof TandemError)) throw error;
        return error;
      },
    );
    if (signal.aborted) return;
    if (outcome instanceof TandemError) onFailure(outcome);
    if (outcome instanceof TandemError || outcome === 'conflict') {
      await ports.changed(delays.next(), signal);
      continue;
    }
    delays.reset();
    if (outcome !== 'written') await ports.changed(Math.min(outcome, LONGEST_PAUSE), signal);
  }
}

/** Resolves with the outcome of the step, or with the milliseconds until there is one. */
async function reconcile(options: RotationOptions, signal: AbortSignal): Promise<WriteOutcome | number> {
  const { view, ports, hosts, times, onStep } = options;
  const next = (): Step => nextStep(view.state(), times);
  const first = next();
  if (!writes(first)) return untilDue(first, view);
  // Another leader may have written a moment ago, and its two writes reach this process in any order; ours do too.
  await ports.refresh(signal);
  const step = next();
  if (signal.aborted || !writes(step)) return 0;
  const outcome = await write(step);
  if (outcome === 'written') onStep(step);
  return outcome;

  async function write(wanted: ActiveStep): Promise<WriteOutcome> {
    if (wanted.kind === 'publish') return ports.publish(wanted.bundle, signal);
    // Taken before keys are made, which takes time: only the version that was read may be replaced.
    const secret = ports.secret();
    const texts = await contentAfter(wanted, secret.texts, hosts, times, view.state().now);
    return signal.aborted ? 'conflict' : secret.replace(texts, signal);
  }
}

type IdleStep = Extract<Step, { readonly kind: 'keep' | 'wait' }>;
type ActiveStep = Exclude<Step, IdleStep>;

function writes(step: Step): step is ActiveStep {
  return step.kind !== 'keep' && step.kind !== 'wait';
}

function untilDue({ until }: IdleStep, view: SharedView): number {
  return Math.max(0, until - view.state().now);
}
