/**
 * Several loops of a secure Consul at once, each of which may be ended at any moment, lose an answer, or find Consul away: in the
 * end everything is there once, and nothing is written any more.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DISTRUST, rotations, type SecureObserved } from '../../src/secure/observed.ts';
import { nextSecureStep } from '../../src/secure/secure-plan.ts';
import type { SecureStep } from '../../src/secure/secure-step.ts';
import {
  apply,
  newWorld,
  observe,
  settle,
  SETTINGS,
  startAgents,
  type World,
} from '../unit/secure/secure-world.ts';

type Looked = { readonly observed: SecureObserved; readonly step: SecureStep };

/** What the API server answers with 409: somebody else has written the object since it was read. */
function isConflict(world: World, { observed, step }: Looked): boolean {
  if (step.kind === 'new-ca' || step.kind === 'make' || step.kind === 'write-state')
    return world.state !== observed.state;
  if (step.kind === 'write-bootstrap') return world.bootstrap !== observed.bootstrap;
  if (step.kind === 'write-secret') return world.agentSecrets[step.of] !== observed.agentSecrets[step.of];
  return step.kind === 'publish-ca' && world.publishedCa !== observed.publishedCa;
}

/** What Consul answers with 403 or 500: it is bootstrapped, or has an object of that name. */
function isRefused(world: World, { step }: Looked): boolean {
  if (step.kind === 'bootstrap') return world.management !== undefined;
  if (step.kind === 'put-bootstrap') return world.management?.includes(step.token) === true;
  if (step.kind !== 'put' && step.kind !== 'put-auth-method') return false;
  return step.id === undefined && world.objects.has(`${step.object.kind}/${step.object.name}`);
}

const turn = fc.record({
  loop: fc.integer({ min: 0, max: 1 }),
  what: fc.constantFrom(
    'goes on',
    'goes on',
    'goes on',
    'is killed',
    'loses the answer',
    'finds Consul away',
    'has another reviewer',
  ),
});

test('two loops without a Lease, ended and cut off anywhere, come to the end of one', () => {
  fc.assert(
    fc.property(
      fc.array(turn, { minLength: 40, maxLength: 140 }),
      fc.subarray([...rotations]),
      fc.boolean(),
      (turns, asked, isDistrusted) => {
        const world = newWorld();
        const request = isDistrusted ? `now${DISTRUST}` : 'now';
        // In the middle of it, when there is a CA to distrust.
        const requests = Object.fromEntries(asked.map((each) => [each, request]));
        const pending: (Looked | undefined)[] = [undefined, undefined];
        for (const [at, { loop, what }] of turns.entries()) {
          if (at === 20) world.requests = requests;
          if (what === 'has another reviewer') world.reviewerSince = world.now += 1;
          const looked = pending[loop];
          if (looked === undefined || what === 'is killed') {
            const seen = observe(world);
            const isAway = what === 'finds Consul away' && seen.acl.kind !== 'unasked';
            const observed: SecureObserved = isAway
              ? {
                  ...seen,
                  acl: { kind: 'failed', why: 'away' },
                  keyring: { kind: 'unknown', why: 'away' },
                }
              : seen;
            const step = nextSecureStep(SETTINGS, observed);
            if (step.kind === 'wait' && step.reason === 'no-agent') startAgents(world);
            pending[loop] = step.kind === 'keep' || step.kind === 'wait' ? undefined : { observed, step };
            continue;
          }
          if (!isConflict(world, looked) && !isRefused(world, looked)) apply(world, looked.step);
          // It does not know that it was done, and does it again.
          if (what !== 'loses the answer') pending[loop] = undefined;
          assert.notEqual(world.management?.length, 0);
        }
        settle(world);
        if (world.agents.length === 0) startAgents(world);
        settle(world);
        // A token of the reviewer is asked for once a minute at most.
        world.now += 60_000;
        settle(world);
        assert.deepEqual(observe(world).reviewers.refused, []);
        assert.equal(nextSecureStep(SETTINGS, observe(world)).kind, 'keep');
        if (isDistrusted) assert.deepEqual(world.state?.older, []);
        assert.equal(world.rules.length, 3);
        assert.deepEqual(world.management, [world.bootstrap.token]);
        const kept = (['agent', 'dns', 'ui', 'replication'] as const).map(
          (name) => `token/${world.state?.tokens[name]?.accessor}`,
        );
        const tokens = [...world.objects.keys()].filter((key) => key.startsWith('token/'));
        assert.deepEqual(tokens.toSorted(), kept.toSorted());
        assert.deepEqual(settle(world), []);
      },
    ),
    { numRuns: 60 },
  );
});
