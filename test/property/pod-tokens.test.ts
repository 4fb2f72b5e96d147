/** Whatever happens to pods and containers, and whatever the loop sees of it: the token of a container that runs is never deleted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PodToken } from '../../src/catalog/mesh/pod-token.ts';
import { runTokenLoop } from '../../src/controllers/token-loop.ts';
import { READY } from '../unit/catalog/mesh/injected-pods.ts';
import { podEvents } from '../unit/controllers/pod-events.ts';
import { createVirtualClock } from '../unit/controllers/virtual-clock.ts';

const NAMES = ['web-0', 'web-1'] as const;
const event = fc.record({
  kind: fc.constantFrom('create', 'restart', 'end', 'remove', 'away', 'unseen'),
  name: fc.constantFrom(...NAMES),
  /** Until the next event. */
  seconds: fc.integer({ min: 0, max: 1500 }),
});

test('a live token is never deleted, and in the end those of pods and containers that are gone are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 25 }), async (events) => {
      const clock = createVirtualClock();
      const tokens = new Map<string, PodToken>();
      /** UID and accessor of the container that runs, by the name of its pod, which a StatefulSet uses again. */
      const living = new Map<string, { readonly uid: string; accessor: string }>();
      let isAway = false;
      let count = 0;
      const seen = new Set<string>();
      const { source, set, remove } = podEvents(
        { owner: 'c1', namesFollowServices: false, podsLogIn: true },
        () => {
          if (isAway) throw new Error('the API server is away');
          showAll();
        },
      );
      const show = (name: string, uid: string): void => {
        seen.add(name);
        set({ name, uid });
      };
      const showAll = (): void => {
        for (const name of NAMES) {
          const pod = living.get(name);
          if (pod !== undefined) show(name, pod.uid);
          else if (seen.delete(name)) remove(name);
        }
      };
      const login = (uid: string): string => {
        const accessor = `t${(count += 1)}`;
        tokens.set(accessor, { accessor, uid, services: 'web', created: clock.elapsed() });
        return accessor;
      };
      const wrong: string[] = [];
      const ending = new AbortController();
      const running = runTokenLoop(
        {
          clock,
          random: () => 0.5,
          source,
          tokens: {
            list: async () => [...tokens.values()],
            delete: async (accessor) => {
              if ([...living.values()].some((pod) => pod.accessor === accessor)) wrong.push(accessor);
              tokens.delete(accessor);
              return { kind: 'applied' };
            },
          },
          reporter: {
            deleted: () => undefined,
            refused: () => undefined,
            failed: () => undefined,
            succeeded: () => undefined,
          },
        },
        { owner: 'c1', resync: 600_000, dryRun: false },
        ending.signal,
      );
      for (const { kind, name, seconds } of events) {
        const pod = living.get(name);
        if (kind === 'away') isAway = !isAway;
        if ((kind === 'create' || kind === 'unseen') && pod === undefined) {
          const uid = `u${(count += 1)}`;
          living.set(name, { uid, accessor: login(uid) });
          // Its event is late: the next list has it.
          if (kind === 'create') show(name, uid);
        }
        if (kind === 'restart' && pod !== undefined) pod.accessor = login(pod.uid);
        if (kind === 'end' && pod !== undefined) {
          living.delete(name);
          set({ name, uid: pod.uid, status: { ...READY, phase: 'Failed' } });
        }
        if (kind === 'remove' && pod !== undefined) {
          living.delete(name);
          if (seen.delete(name)) remove(name);
        }
        await clock.advance(seconds * 1000);
        assert.deepEqual(wrong, []);
      }
      isAway = false;
      showAll();
      for (const pod of living.values()) pod.accessor = login(pod.uid);
      await clock.advance(3_600_000);
      assert.deepEqual(wrong, []);
      const uids = new Set([...living.values()].map(({ uid }) => uid));
      assert.deepEqual(
        [...tokens.values()].filter(({ uid }) => !uids.has(uid)),
        [],
      );
      ending.abort();
      await running;
    }),
    { numRuns: 60 },
  );
});
