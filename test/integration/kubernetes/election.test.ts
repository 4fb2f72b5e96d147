/** At most one leads, whatever happens to the requests and to the clocks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elect, LEASE_TIMES, type Election } from '../../../src/kubernetes/election.ts';
import type { Term } from '../../../src/kubernetes/leader-term.ts';
import type { Clock } from '../../../src/support/clock.ts';
import { property, type JsonObject } from '../../../src/support/json.ts';
import { handClock } from './hand-clock.ts';
import { leaseServer, type LeaseServer, type Way } from './lease-server.ts';

type Replica = {
  readonly election: Election;
  readonly events: string[];
  readonly terms: Term[];
};

/** Until the term ends. */
const obedient = (term: Term): Promise<void> =>
  new Promise((resolve) => {
    if (term.signal.aborted) resolve();
    term.signal.addEventListener('abort', () => resolve());
  });

function replica(
  server: LeaseServer,
  identity: string,
  clock: Clock,
  way: () => Way = () => 'well',
  work = obedient,
): Replica {
  const events: string[] = [];
  const terms: Term[] = [];
  const election = elect({
    client: server.client(way),
    namespace: 'tandem',
    name: 'sync',
    identity,
    clock,
    times: LEASE_TIMES,
    random: () => 0.5,
    lead: (term) => {
      terms.push(term);
      return work(term);
    },
    onEvent: (event) => events.push(event.kind === 'ended' ? event.reason : event.kind),
  });
  return { election, events, terms };
}

const leaders = (...replicas: readonly Replica[]): boolean[] =>
  replicas.map(({ election }) => election.isLeader());

test('the first leads as long as it renews, and the second takes over at once after a clean stop', async () => {
  const clock = handClock();
  const server = leaseServer();
  const first = replica(server, 'first', clock);
  await clock.advance(0);
  const second = replica(server, 'second', clock);
  await clock.advance(60_000);
  assert.deepEqual(leaders(first, second), [true, false]);
  assert.deepEqual(
    [
      server.spec()['holderIdentity'],
      server.spec()['leaseDurationSeconds'],
      server.spec()['leaseTransitions'],
    ],
    ['first', 12, 0],
  );
  assert.match(String(server.spec()['renewTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

  await first.election.stop();
  assert.equal(server.spec()['holderIdentity'], '');
  await clock.advance(LEASE_TIMES.retry * 1.2);
  assert.deepEqual(leaders(first, second), [false, true]);
  assert.deepEqual([first.events, second.events], [['started', 'stopped'], ['started']]);
  assert.equal(server.spec()['leaseTransitions'], 1);
});

for (const skew of [0, 86_400_000, -86_400_000]) {
  test(`a leader that is cut off stops before another may begin, within 15 s; clocks ${skew} ms apart`, async () => {
    const clock = handClock();
    const server = leaseServer();
    let way: Way = 'well';
    const first = replica(server, 'first', clock, () => way);
    await clock.advance(0);
    const second = replica(server, 'second', { ...clock, now: () => clock.now() + skew });
    await clock.advance(30_000);
    way = 'hangs';
    const seen: string[] = [];
    for (let second100 = 1; second100 <= 150; second100 += 1) {
      await clock.advance(100);
      seen.push(leaders(first, second).map(Number).join(''));
    }
    assert.deepEqual([...new Set(seen)], ['10', '00', '01']);
    assert.deepEqual([first.events.includes('expired'), first.terms[0]?.signal.aborted], [true, true]);

    way = 'well';
    await clock.advance(10_000);
    assert.deepEqual(leaders(first, second), [false, true]);
  });
}

test('of two that find no Lease and make it at once, one has lost a race, and nothing has failed', async () => {
  const clock = handClock();
  const server = leaseServer();
  const both = ['first', 'second'].map((identity) => replica(server, identity, clock));
  await clock.advance(30_000);
  assert.deepEqual(leaders(...both), [true, false]);
  assert.deepEqual(
    both.map(({ events }) => events),
    [['started'], ['lost']],
  );
});

test('a short fault of the API server ends no term', async () => {
  const clock = handClock();
  const server = leaseServer();
  let way: Way = 'well';
  const first = replica(server, 'first', clock, () => way);
  await clock.advance(10_000);
  way = 'refused';
  // The last renewal was up to a retry ago, and the next one is up to a retry away.
  await clock.advance(LEASE_TIMES.renewDeadline - 2 * LEASE_TIMES.retry * 1.2);
  way = 'well';
  await clock.advance(30_000);
  assert.deepEqual([leaders(first), first.terms.length], [[true], 1]);
});

test('a process that was stopped knows that its term is over before its timers do', async () => {
  const clock = handClock();
  const { election, terms } = replica(leaseServer(), 'first', clock);
  await clock.advance(1000);
  clock.freeze(LEASE_TIMES.renewDeadline);
  assert.deepEqual(
    [terms[0]?.isHeld(), election.isLeader(), terms[0]?.signal.aborted],
    [false, false, false],
  );
});

test('somebody else who only annotates the Lease ends no term', async () => {
  const clock = handClock();
  const server = leaseServer();
  const first = replica(server, 'first', clock);
  await clock.advance(1000);
  server.edit((lease) => ({
    ...lease,
    metadata: { ...(property(lease, 'metadata') as JsonObject), annotations: { a: 'b' } },
  }));
  await clock.advance(30_000);
  assert.deepEqual([leaders(first), first.events], [[true], ['started']]);
});

test('somebody else who takes the Lease by force ends the term', async () => {
  const clock = handClock();
  const server = leaseServer();
  const first = replica(server, 'first', clock);
  await clock.advance(1000);
  server.edit((lease) => ({
    ...lease,
    spec: { ...(property(lease, 'spec') as JsonObject), holderIdentity: 'admin' },
  }));
  await clock.advance(3000);
  assert.deepEqual([leaders(first), first.events], [[false], ['started', 'taken']]);
});

test('the Lease is given away only after the work has ended', async () => {
  const clock = handClock();
  const server = leaseServer();
  const finished = Promise.withResolvers<void>();
  const { election } = replica(
    server,
    'first',
    clock,
    () => 'well',
    () => finished.promise,
  );
  await clock.advance(1000);
  const stopped = election.stop();
  await clock.advance(1000);
  assert.equal(server.spec()['holderIdentity'], 'first');
  finished.resolve();
  await stopped;
  assert.equal(server.spec()['holderIdentity'], '');
});

test('one that is stopped while it takes the Lease gives it away, and no work begins', async () => {
  const clock = handClock();
  const server = leaseServer();
  const { election, terms, events } = replica(server, 'first', clock);
  await election.stop();
  assert.deepEqual([server.spec()['holderIdentity'], terms, events], ['', [], []]);
});

test('work that fails gives the Lease away, and the failure is told', async () => {
  const clock = handClock();
  const server = leaseServer();
  const { election } = replica(
    server,
    'first',
    clock,
    () => 'well',
    () => Promise.reject(new Error('a bug')),
  );
  const told = assert.rejects(election.done, /a bug/);
  await clock.advance(0);
  await told;
  assert.equal(server.spec()['holderIdentity'], '');
});

test('never two at once, and one again after all faults', async () => {
  const way = fc.constantFrom<Way>('well', 'well', 'refused', 'lost', 'hangs');
  const schedule = fc.array(fc.tuple(way, way, fc.nat(5000)), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(schedule, async (steps) => {
      const clock = handClock();
      const server = leaseServer();
      let ways: [Way, Way] = ['well', 'well'];
      const both = [0, 1].map((index) =>
        replica(server, `replica-${index}`, clock, () => ways[index] ?? 'well'),
      );
      const check = async (milliseconds: number): Promise<void> => {
        for (let passed = 0; passed < milliseconds; passed += 500) {
          await clock.advance(500);
          assert.ok(leaders(...both).filter(Boolean).length <= 1);
        }
      };
      for (const [first, second, milliseconds] of steps) {
        ways = [first, second];
        await check(milliseconds);
      }
      ways = ['well', 'well'];
      await check(20_000);
      assert.equal(leaders(...both).filter(Boolean).length, 1);
    }),
    { numRuns: 30 },
  );
});
