/** A watched resource whose changes and restarts a test can wait for. */
import type { ApiClient } from '../../../src/kubernetes/api-client.ts';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import type { Clock } from '../../../src/support/clock.ts';
import type { RestartCause } from '../../../src/model/restart-causes.ts';
import { watchResource, type ResourceWatch } from '../../../src/kubernetes/watch-resource.ts';
import { asString, property } from '../../../src/support/json.ts';

export type WatchedResource = {
  readonly resource: ResourceWatch<string>;
  /** `key before after`, with `-` for nothing. */
  readonly changes: string[];
  readonly restarts: RestartCause[];
  readonly errors: string[];
  /** Resolves when the condition holds, which is asked after each change and restart. */
  readonly until: (condition: () => boolean) => Promise<void>;
};

export type Collected = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly random?: () => number;
};

/** Each object is kept as its label `color`; one whose color is `unwanted` is not kept. */
export function watchedResource(collected: Collected): WatchedResource {
  const changes: string[] = [];
  const restarts: RestartCause[] = [];
  const errors: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  const resource = watchResource({
    clock: systemClock,
    // Short delays: the waiting itself has a test of its own.
    random: () => 0.1,
    query: {},
    ...collected,
    read: (object) => {
      const color = asString(property(property(property(object, 'metadata'), 'labels'), 'color')) ?? 'none';
      return color === 'unwanted' ? undefined : color;
    },
    onChange: (key, before, after) => {
      changes.push(`${key} ${before ?? '-'} ${after ?? '-'}`);
      wake();
    },
    onRestart: ({ cause, error }) => {
      restarts.push(cause);
      if (error !== undefined) errors.push(`${error.code} ${error.message}`);
      wake();
    },
  });
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { resource, changes, restarts, errors, until };
}
