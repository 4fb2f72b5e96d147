/** A cluster that does not come up says why, and leaves nothing behind. It is beside those of the suite. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { partNamed, partFolder } from '../real/parts.ts';
import { clusterFolders } from './harness/cluster-folder.ts';
import { startCluster } from './harness/keeper-client.ts';
import { skip, useOwnCache } from './harness/own-cache.ts';

const cache = useOwnCache();

test('an API server that ends: its last words', { skip }, async () => {
  const folder = partFolder(cache, partNamed('kube-apiserver'));
  rmSync(folder);
  mkdirSync(folder);
  const script = '#!/bin/sh\necho "there is no room for it" >&2\nexit 3\n';
  writeFileSync(join(folder, 'kube-apiserver'), script, { mode: 0o755 });
  await assert.rejects(startCluster(), /kube-apiserver ended with 3:\nthere is no room for it/);
  assert.deepEqual(clusterFolders(), []);
});

test('a range of addresses that cannot be taken: why', { skip }, async () => {
  await assert.rejects(
    startCluster({ network: '127.0.0.0/16' }),
    /--network=127\.0\.0\.0\/16 hides addresses/,
  );
  assert.deepEqual(clusterFolders(), []);
});
