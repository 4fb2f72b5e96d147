/** Writes changes to the API server, a few at a time, and knows which of them the watch has not told of yet. */
import { objectId, type ObjectChange } from '../catalog/to-kubernetes/object-changes.ts';
import type { KeySource } from '../reconcile/controller.ts';
import { inParallel } from '../reconcile/in-parallel.ts';
import { earliest } from '../support/earliest.ts';
import type { ObjectOutcome, ObjectWriter } from './to-k8s-ports.ts';

/** Its keys are the ids of objects of which the watch has told nothing for so long that it is no longer waited for. */
type ObjectApplier = KeySource & {
  /**
   * Services come before their slices, and removals last. Rejects with the first error of the writer; what was written by
   * then was reported.
   */
  readonly apply: (
    changes: readonly ObjectChange[],
    done: (change: ObjectChange, outcome: ObjectOutcome) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  /** The watch tells of this object: what we know of it is no longer older than our write. */
  readonly seen: (id: string) => void;
  /** True while what is known of the object is from before our write of it. */
  readonly isAhead: (id: string) => boolean;
};

// The API server's own limits make more of no use (APF gives one client some tens of seats), and 8 fill a few milliseconds
// of round trip each.
const CONCURRENCY = 8;
// A watch tells within milliseconds; it never will of a write that changed nothing.
const GIVEN_UP_AFTER = 5000;

/** @param elapsed milliseconds of a clock that never jumps */
export function createObjectApplier({ write }: ObjectWriter, elapsed: () => number): ObjectApplier {
  const ahead = new Map<string, number>();

  async function writeOne(
    change: ObjectChange,
    done: (change: ObjectChange, outcome: ObjectOutcome) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const id = objectId(change);
    // Before the answer: the watch may be faster.
    ahead.set(id, elapsed() + GIVEN_UP_AFTER);
    try {
      const outcome = await write(change, signal);
      if (outcome.kind === 'refused') ahead.delete(id);
      done(change, outcome);
    } catch (error) {
      ahead.delete(id);
      throw error;
    }
  }

  return {
    apply: async (changes, done, signal) => {
      for (const step of inSteps(changes))
        await inParallel(step, (change) => writeOne(change, done, signal), { atATime: CONCURRENCY, signal });
    },
    seen: (id) => void ahead.delete(id),
    isAhead: (id) => ahead.has(id),
    due: () => earliest(ahead.values()),
    take: (now) => {
      const due = [...ahead].filter(([, until]) => until <= now).map(([id]) => id);
      for (const id of due) ahead.delete(id);
      return due;
    },
  };
}

function inSteps(changes: readonly ObjectChange[]): readonly (readonly ObjectChange[])[] {
  const isRemoval = ({ action }: ObjectChange): boolean => action === 'delete';
  const written = changes.filter((change) => !isRemoval(change));
  return [
    written.filter(({ kind }) => kind === 'Service'),
    written.filter(({ kind }) => kind === 'EndpointSlice'),
    changes.filter(isRemoval),
  ];
}
