/** An installation that meets the Secrets or the volumes of the one before: every case of the two. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAgentSecret } from '../../../src/secure/agent-secret.ts';
import { describeStep } from '../../../src/secure/describe-step.ts';
import type { SecureObserved } from '../../../src/secure/observed.ts';
import { nextSecureStep } from '../../../src/secure/secure-plan.ts';
import { newWorld, observe, settle, SETTINGS, startAgents, type World } from './secure-world.ts';

function installed(): World {
  const world = newWorld();
  settle(world);
  startAgents(world);
  settle(world);
  return world;
}

/** The Secrets and the ConfigMap are deleted, as by a purge. */
function loseSecrets(world: World): void {
  world.state = undefined;
  world.bootstrap = newWorld().bootstrap;
  world.agentSecrets.server = readAgentSecret(undefined);
  world.agentSecrets.client = readAgentSecret(undefined);
  world.publishedCa = undefined;
  for (const name of Object.keys(world.tokenSecrets)) delete world.tokenSecrets[name];
}

function loseVolumes(world: World): void {
  world.management = undefined;
  world.objects.clear();
  world.rules = [];
}

/** Pods of agents start when their Secrets are there. */
function reinstall(world: World): readonly string[] {
  world.agents.length = 0;
  const before = settle(world);
  startAgents(world);
  return [...before, ...settle(world)].map(({ kind }) => kind);
}

const secretsOf = ({ state, bootstrap }: World): object => structuredClone({ state, bootstrap });

test('Secrets and volumes are kept: there is nothing to do', () => {
  const world = installed();
  const before = secretsOf(world);
  assert.deepEqual(reinstall(world), []);
  assert.deepEqual(secretsOf(world), before);
});

test('Secrets are kept and volumes are gone: empty servers are bootstrapped with the token that the Secret has', () => {
  const world = installed();
  const before = secretsOf(world);
  loseVolumes(world);
  const steps = new Set(reinstall(world));
  assert.deepEqual([...steps], ['bootstrap', 'put', 'put-auth-method', 'put-rule']);
  assert.deepEqual(secretsOf(world), before);
  assert.deepEqual(world.management, [world.bootstrap.token]);
});

test('Secrets are gone and volumes are kept: new keys, then the index by which somebody resets, and then an end', () => {
  const world = installed();
  const before = { ...world, bootstrap: { ...world.bootstrap } };
  loseSecrets(world);
  world.agents.length = 0;
  settle(world);
  startAgents(world);
  assert.notEqual(world.keys.primary, before.state?.gossip);
  assert.notEqual(world.state?.ca?.certificate, before.state?.ca?.certificate);
  // Consul knows the token of before, and answers the bootstrap with the index.
  assert.equal(nextSecureStep(SETTINGS, observe(world)).kind, 'bootstrap');
  const closed = (): SecureObserved => {
    const observed = observe(world);
    const bootstrapClosed = { index: '21', at: world.now };
    return { ...observed, memory: { ...observed.memory, bootstrapClosed } };
  };
  assert.deepEqual(describeStep(nextSecureStep(SETTINGS, closed())), {
    step: 'wait',
    reason: 'bootstrapped-by-others',
    object: 'reset index 21',
  });
  // The reset leaves everything but the first management token's way.
  world.management = undefined;
  const steps = settle(world).map(({ kind }) => kind);
  assert.equal(steps[0], 'bootstrap');
  assert.ok(steps.includes('delete-token'), 'the tokens of before open nothing');
  assert.ok(!steps.includes('put-rule'), 'rules and roles of before are taken over');
  assert.equal(nextSecureStep(SETTINGS, observe(world)).kind, 'keep');
});

test('Secrets and volumes are gone: as new', () => {
  const world = installed();
  loseSecrets(world);
  loseVolumes(world);
  const fresh = newWorld();
  assert.deepEqual(reinstall(world), reinstall(fresh));
  assert.equal(nextSecureStep(SETTINGS, observe(world)).kind, 'keep');
});
