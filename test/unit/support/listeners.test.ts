import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createListeners } from '../../../src/support/listeners.ts';

test('everybody who listens is told, as long as they do', () => {
  const { tell, onChange } = createListeners<[id: string]>();
  const told: string[] = [];
  const leave = onChange((id) => told.push(`first ${id}`));
  onChange((id) => told.push(`second ${id}`));
  tell('a');
  leave();
  tell('b');
  assert.deepEqual(told, ['first a', 'second a', 'second b']);
});
