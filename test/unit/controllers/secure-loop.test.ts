/** One step that does not succeed, or never ends, holds up nothing else and is not repeated without a pause. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, newWorld, settle, startAgents, type World } from '../secure/secure-world.ts';
import { startSecureLoop as start } from './started-secure-loop.ts';

function settled(): World {
  const world = newWorld();
  settle(world);
  startAgents(world);
  settle(world);
  return world;
}

test('an agent that refuses its reload holds up neither the others nor the ACLs', async () => {
  const world = settled();
  world.requests = { 'server-certificate': 'now' };
  world.rules = [];
  const loop = start(world, (step) => {
    if (step.kind === 'reload' && step.agent.pod.name === 'server-0')
      return { kind: 'refused', reason: 'private key does not match public key' };
    apply(world, step);
    return { kind: 'written' };
  });
  await loop.clock.advance(60_000);
  await loop.stop();
  assert.equal(world.rules.length, 3);
  const loaded = world.agents.filter(({ kind, stamp }) => stamp === world.agentSecrets[kind].stamp);
  assert.deepEqual(
    loaded.map(({ name }) => name),
    ['server-1', 'server-2', 'client-0'],
  );
  const reloads = loop.steps.filter((text) => text.startsWith('reload server-0')).length;
  assert.ok(reloads > 1 && reloads <= 13, String(reloads));
});

test('a reviewer token that is always due, as of a clock that is ahead, is asked for now and then', async () => {
  const world = settled();
  const [asked, ahead] = [world.now, 5 * 86_400_000];
  world.now += ahead;
  world.rules = [];
  const loop = start(world, (step) => {
    world.now = step.kind === 'put-auth-method' ? asked : world.now;
    apply(world, step);
    world.now = asked + ahead;
    return { kind: 'written' };
  });
  await loop.clock.advance(50_000);
  await loop.stop();
  assert.equal(world.rules.length, 3);
  assert.equal(loop.steps.filter((text) => text.startsWith('put-auth-method')).length, 2);
});

test('what Consul does not keep as it was written is written again at the pace of the looks', async () => {
  const world = settled();
  world.rules = [];
  const loop = start(world, () => ({ kind: 'written' }));
  await loop.clock.advance(60_000);
  await loop.stop();
  assert.ok(loop.steps.length > 1 && loop.steps.length < 10, String(loop.steps.length));
});

test('a clock that is put back holds up no reload', async () => {
  const world = settled();
  world.requests = { 'server-certificate': 'now' };
  let isBack = false;
  const loop = start(world, (step) => {
    if (step.kind !== 'reload' || isBack) apply(world, step);
    return { kind: 'written' };
  });
  await loop.clock.advance(4000);
  isBack = true;
  world.now -= 3_600_000;
  await loop.clock.advance(60_000);
  await loop.stop();
  for (const { name, kind, stamp } of world.agents) assert.equal(stamp, world.agentSecrets[kind].stamp, name);
});
