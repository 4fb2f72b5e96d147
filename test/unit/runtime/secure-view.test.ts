/** By which tokens an agent is asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentTokens } from '../../../src/runtime/secure-view.ts';
import { newWorld, observe, settle, startAgents } from '../secure/secure-world.ts';

test('the token with all rights goes to servers alone: a node in the wrong hands has a client agent', () => {
  const world = newWorld();
  settle(world);
  startAgents(world);
  settle(world);
  const objects = { ...observe(world), uid: undefined };
  const shown = (kind: 'server' | 'client'): readonly string[] =>
    agentTokens(objects, kind).map((token) => token.reveal());
  assert.ok(shown('server').includes(world.bootstrap.token ?? ''));
  assert.deepEqual(shown('client'), [world.state?.tokens.recovery?.secret]);
});
