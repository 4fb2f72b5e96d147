/** A cache of a file of tests, in which only its own clusters are; parts and images are the real ones. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { eventually } from '../../real/harness/eventually.ts';
import { cacheRoot } from '../../real/parts.ts';
import { clusterFolders } from './cluster-folder.ts';

/** In somebody else's cluster the suite needs neither root nor Linux. */
export const skip =
  (process.env['KUBECONFIG'] ?? '') !== '' && 'the cluster is not one that the suite has brought up';

/**
 * From now on this process and those that it starts use it. It goes with the file, and the clusters in it.
 *
 * @returns its folder of parts
 */
export function useOwnCache(): string {
  const real = cacheRoot(process.env, homedir());
  // Beside the real one: nodes share files with it.
  const cache = mkdtempSync(join(dirname(real), 'tandem-cluster-test-'));
  process.env['XDG_CACHE_HOME'] = cache;
  const own = cacheRoot(process.env, homedir());
  mkdirSync(own);
  for (const name of readdirSync(real))
    if (name !== 'clusters') symlinkSync(join(real, name), join(own, name));
  after(async () => {
    // Of a test that has failed.
    for (const { keeper } of clusterFolders()) if (keeper !== undefined) process.kill(keeper.pid);
    await eventually('the end of every cluster', async () => assert.deepEqual(clusterFolders(), []));
    rmSync(cache, { recursive: true, force: true });
  });
  return own;
}
