import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRedirectOptions } from '../../../src/redirection/options.ts';
import type { PendingPod } from '../../../src/redirection/pending-pod.ts';
import type { WaitingProcess } from '../../../src/redirection/process-scan.ts';
import { createRedirector, type Redirection } from '../../../src/redirection/redirector.ts';
import { redirectRules } from '../../../src/redirection/rules.ts';
import { createVirtualClock } from '../controllers/virtual-clock.ts';
import { optionsOf } from './sample-options.ts';

const options = optionsOf({ uids: [5995] });
const [FAILED, APPLIED]: Redirection[] = [{ kind: 'failed', why: 'no nf_tables' }, { kind: 'applied' }];

function pod(uid: string, annotation = formatRedirectOptions(options), namespace = 'shop'): PendingPod {
  return { namespace, name: uid, uid, annotation, waitsSince: undefined };
}

/** A node of processes; what is applied takes no time, unless `hold` holds it. */
function node() {
  const clock = createVirtualClock();
  const processes: WaitingProcess[] = [];
  const seen = { looks: 0, applied: [] as string[], outcomes: [] as string[], invalid: [] as string[] };
  const faults = { result: APPLIED, hold: undefined as Promise<void> | undefined };
  const redirector = createRedirector({
    clock,
    scan: (uids) => {
      seen.looks += 1;
      return processes.filter(({ podUid }) => uids.has(podUid));
    },
    apply: async ({ pid, start }, rules) => {
      assert.equal(rules, redirectRules(options));
      seen.applied.push(`${pid} ${start}`);
      await faults.hold;
      return faults.result ?? { kind: 'gone' };
    },
    onRedirection: ({ name }, _process, { kind }) => seen.outcomes.push(`${name} ${kind}`),
    onInvalid: ({ name }, problem) => seen.invalid.push(`${name}: ${problem}`),
  });
  return { clock, processes, seen, faults, ...redirector };
}

test('looks only while a pod is pending: each 50 ms, and after 10 s without news of it each 250 ms', async () => {
  const { clock, seen, podChanged } = node();
  await clock.advance(60_000);
  assert.equal(seen.looks, 0);
  podChanged(undefined, pod('a'));
  await clock.advance(10_000);
  assert.equal(seen.looks, 200);
  await clock.advance(10_000);
  assert.equal(seen.looks, 240);
  podChanged(pod('a'), pod('a'));
  await clock.advance(1000);
  assert.equal(seen.looks, 260);
  podChanged(pod('a'), undefined);
  await clock.advance(60_000);
  assert.equal(seen.looks, 260);
});

test('a process is redirected once, another one of the pod again, even under the same number', async () => {
  const { clock, processes, seen, podChanged } = node();
  podChanged(undefined, pod('a'));
  processes.push({ pid: 8, start: 1, podUid: 'a' });
  await clock.advance(1000);
  assert.deepEqual(seen.applied, ['8 1']);
  processes.splice(0, 1, { pid: 8, start: 2, podUid: 'a' });
  await clock.advance(1000);
  assert.deepEqual(seen.applied, ['8 1', '8 2']);
  assert.deepEqual(seen.outcomes, ['a applied', 'a applied']);
});

test('one that is on its way is not begun again', async () => {
  const { clock, processes, seen, faults, podChanged } = node();
  const { promise, resolve } = Promise.withResolvers<void>();
  faults.hold = promise;
  podChanged(undefined, pod('a'));
  processes.push({ pid: 8, start: 1, podUid: 'a' });
  await clock.advance(20_000);
  resolve();
  await clock.advance(20_000);
  assert.deepEqual(seen.applied, ['8 1']);
});

test('a failure is tried again, less and less often, and holds up no other pod', async () => {
  const { clock, processes, seen, faults, podChanged } = node();
  faults.result = FAILED;
  podChanged(undefined, pod('a'));
  processes.push({ pid: 8, start: 1, podUid: 'a' });
  await clock.advance(7500);
  assert.equal(seen.applied.length, 4);
  await clock.advance(600_000);
  assert.ok(seen.applied.length < 20, `${seen.applied.length} attempts`);
  faults.result = APPLIED;
  podChanged(undefined, pod('b'));
  processes.push({ pid: 9, start: 1, podUid: 'b' });
  await clock.advance(100);
  assert.equal(seen.outcomes.at(-1), 'b applied');
  await clock.advance(60_000);
  assert.equal(seen.outcomes.at(-1), 'a applied');
});

test('an annotation that cannot be read is told once, and the pod waits', async () => {
  const { clock, processes, seen, podChanged } = node();
  const damaged = pod('a', '{"version":7}');
  processes.push({ pid: 8, start: 1, podUid: 'a' });
  podChanged(undefined, damaged);
  podChanged(damaged, { ...damaged, waitsSince: 5 });
  await clock.advance(1000);
  assert.deepEqual(seen.invalid, ['a: version: must be 1, which this version of Tandem reads']);
  assert.deepEqual([seen.looks, seen.applied], [0, []]);
  podChanged(damaged, pod('a'));
  await clock.advance(100);
  assert.deepEqual(seen.applied, ['8 1']);
});

test('a hundred that start at once are not a hundred processes at once', async () => {
  const { clock, processes, seen, faults, podChanged } = node();
  const { promise, resolve } = Promise.withResolvers<void>();
  faults.hold = promise;
  for (let count = 0; count < 100; count += 1) {
    podChanged(undefined, pod(`p${count}`));
    processes.push({ pid: count, start: 1, podUid: `p${count}` });
  }
  await clock.advance(1000);
  assert.equal(seen.applied.length, 4);
  podChanged(undefined, pod('other', undefined, 'other'));
  processes.push({ pid: 100, start: 1, podUid: 'other' });
  await clock.advance(100);
  assert.equal(seen.applied.at(-1), '100 1', 'another namespace does not wait for them');
  resolve();
  await clock.advance(1000);
  assert.equal(seen.outcomes.length, 101);
});

test('however many processes of a pod say that they wait, and come anew: the pods beside it do not wait for them', async () => {
  const { clock, processes, seen, podChanged } = node();
  const started = (count: number): WaitingProcess => ({ pid: count, start: count, podUid: 'many' });
  podChanged(undefined, pod('many'));
  for (let look = 1; look < 1200; look += 1) {
    // All of them before the other pod's, and none of them for long; the pod itself comes and goes.
    processes.splice(0, 100, ...Array.from({ length: 100 }, (_, index) => started(look * 100 + index)));
    if (look === 1000) {
      podChanged(undefined, pod('one'));
      processes.push({ pid: 1_000_000, start: 1, podUid: 'one' });
    }
    if (look % 20 === 0) podChanged(pod('many'), undefined);
    if (look % 20 === 1) podChanged(undefined, pod('many'));
    await clock.advance(50);
    if (look === 1001) assert.ok(seen.outcomes.includes('one applied'));
  }
  const ofMany = seen.outcomes.filter((outcome) => outcome === 'many applied');
  assert.ok(ofMany.length < 8, `${ofMany.length} in a minute`);
});

test('a process of a pod that always fails does not stand before another one of it', async () => {
  const { clock, processes, seen, faults, podChanged } = node();
  faults.result = FAILED;
  podChanged(undefined, pod('a'));
  processes.push({ pid: 8, start: 1, podUid: 'a' }, { pid: 9, start: 1, podUid: 'a' });
  await clock.advance(4000);
  assert.deepEqual(seen.applied.slice(0, 2), ['8 1', '9 1']);
});

test('stopped, it looks no more', async () => {
  const { clock, seen, podChanged, stop } = node();
  podChanged(undefined, pod('a'));
  stop();
  await clock.advance(1000);
  assert.equal(seen.looks, 0);
});
