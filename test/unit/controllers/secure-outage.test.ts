/**
 * The API server or Consul is away for a minute at each step in turn, from an empty cluster through every rotation: before the write,
 * or after it, so that its answer is lost. The end is that of a run without, and then nothing is written.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WriteStep } from '../../../src/controllers/secure-loop.ts';
import { certificatesIn } from '../../../src/support/known-certificate.ts';
import { stepText } from '../../../src/secure/describe-step.ts';
import { rotations, type SecureObserved } from '../../../src/secure/observed.ts';
import { NO_REVIEWERS } from '../../../src/secure/reviewer.ts';
import type { SecureStep } from '../../../src/secure/secure-step.ts';
import { bundleOf } from '../../../src/secure/signing-ca.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { apply, newWorld, observe, startAgents, type World } from '../secure/secure-world.ts';
import { startSecureLoop } from './started-secure-loop.ts';

const MINUTE = 60_000;

type Side = 'kubernetes' | 'consul';

const IN_KUBERNETES: readonly WriteStep['kind'][] = [
  'new-ca',
  'make',
  'write-state',
  'write-bootstrap',
  'publish-ca',
  'write-secret',
  'write-token-secret',
];

/** Who has to answer. */
function sidesOf({ kind }: WriteStep): readonly Side[] {
  if (kind === 'put-auth-method') return ['kubernetes', 'consul'];
  return IN_KUBERNETES.includes(kind) ? ['kubernetes'] : ['consul'];
}

function away(side: Side): TandemError {
  const code = side === 'consul' ? 'TANDEM_CONSUL_UNAVAILABLE' : 'TANDEM_KUBERNETES_UNREACHABLE';
  return new TandemError(code, 'no answer');
}

/** Every process of it stands still. */
function withoutConsul(observed: SecureObserved): SecureObserved {
  return {
    ...observed,
    agents: observed.agents.map((agent) => ({ ...agent, state: { kind: 'silent', why: 'no answer' } })),
    acl: { kind: 'unasked' },
    keyring: { kind: 'unknown', why: 'no answer' },
    reviewers: NO_REVIEWERS,
  };
}

type Outages = { readonly side: Side; readonly isDone: boolean };

/** From nothing through all rotations; and what is written in the minutes after the end. */
async function run(outages: Outages | undefined) {
  const world = newWorld();
  let [until, count] = [-Infinity, 0];
  let last: string | undefined;
  let next: SecureStep | undefined;
  let seen: SecureObserved | undefined;
  const loop = startSecureLoop(
    world,
    (step) => {
      const isHit = outages !== undefined && sidesOf(step).includes(outages.side);
      const text = stepText(step);
      seen = undefined;
      // Where it was not done, it comes again.
      const isAgain = outages?.isDone === false && text === last;
      last = text;
      if (!isHit || isAgain) {
        last = undefined;
        apply(world, step);
        return { kind: 'written' };
      }
      until = loop.clock.now() + MINUTE;
      count += 1;
      if (outages.isDone) apply(world, step);
      throw away(outages.side);
    },
    {
      observe: () => {
        const isAway = loop.clock.now() < until;
        if (isAway && outages?.side === 'kubernetes') throw away('kubernetes');
        seen ??= observe(world);
        return isAway ? withoutConsul(seen) : seen;
      },
      looked: (step) => {
        next = step;
        const isWaiting = step.kind === 'wait' && step.reason === 'no-agent';
        if (!isWaiting || world.agents.length > 0) return;
        startAgents(world);
        seen = undefined;
      },
      failed: (error) => assert.ok(error instanceof TandemError, String(error)),
    },
  );
  const settled = async (): Promise<void> => {
    const isAtEnd = (): boolean => next?.kind === 'keep' && loop.clock.now() >= until;
    for (let minutes = 0; minutes === 0 || !isAtEnd(); minutes += 1) {
      assert.ok(minutes < 200, `no end: ${loop.steps.slice(-3).join()}`);
      await loop.clock.advance(MINUTE);
    }
  };
  await settled();
  seen = undefined;
  world.requests = Object.fromEntries(rotations.map((each) => [each, 'now']));
  await settled();
  // The older gossip key leaves ten minutes after the last use, or after it could not be seen.
  await loop.clock.advance(25 * MINUTE);
  await settled();
  const steps = loop.steps.length;
  await loop.clock.advance(5 * MINUTE);
  await loop.stop();
  return { end: endOf(world), count, after: loop.steps.slice(steps) };
}

/** What does not differ from one run to the next. */
function endOf(world: World): object {
  const { state, agentSecrets, bootstrap, management, keys, rules, objects, agents } = world;
  const tokens = (['agent', 'dns', 'ui', 'replication'] as const).map((name) => state?.tokens[name]);
  const inConsul = tokens.filter((pair) => pair !== undefined && objects.has(`token/${pair.accessor}`));
  return {
    objects: [...objects.keys()].filter((key) => !key.startsWith('token/')).toSorted(),
    tokens: [inConsul.length, [...objects.keys()].filter((key) => key.startsWith('token/')).length],
    rules: rules.map(({ method, bindName }) => `${method} ${bindName}`).toSorted(),
    isManaged: [management?.length, management?.[0] === bootstrap.token, bootstrap.next, bootstrap.former],
    isGossipRight: [keys.installed.size, keys.primary === state?.gossip, state?.nextGossip],
    areAgentsRight: agents.map(({ kind, stamp }) => stamp === agentSecrets[kind].stamp),
    cas: [state?.older.length, certificatesIn(world.publishedCa ?? '').length],
    answered: Object.keys(state?.answered ?? {}).toSorted(),
    isPublished: world.publishedCa === bundleOf(state),
  };
}

const undisturbed = await run(undefined);

for (const side of ['kubernetes', 'consul'] as const)
  for (const isDone of [false, true])
    test(`${side} is away ${isDone ? 'after' : 'before'} each write`, async () => {
      const { end, count, after } = await run({ side, isDone });
      assert.deepEqual(end, undisturbed.end);
      assert.deepEqual(after, []);
      assert.ok(count > 20, `${count} outages`);
    });
