import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerName } from '../../../src/config/sync-settings.ts';

test('an owner that would make the node of its pods that of a catalog sync is refused', () => {
  for (const text of ['sync', 'sync-east']) assert.equal(ownerName(text).ok, false, text);
  for (const text of ['syncs', 'east-sync', '0a1b2c3d']) assert.equal(ownerName(text).ok, true, text);
});
