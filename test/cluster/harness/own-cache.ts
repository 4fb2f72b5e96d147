/** A cache of a file of tests, in which only its own clusters are; parts and images are the real ones. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { after } from 'node:test';
import { eventually } from '../../real/harness/eventually.ts';
import { cacheRoot } from '../../real/parts.ts';
import { clusterFolders } from './cluster-folder.ts';

/** In somebody else's cluster the suite needs neither root nor Linux. */
export const skip =
  (process.env['KUBECONFIG'] ?? '') !== '' && 'the cluster is not one that the suite has brought up';

const scripts = new Set<ChildProcess>();

/** Runs a program of this folder of tests, with Node.js. It ends with this process. */
export function startScript(
  path: string,
  args: readonly string[] = [],
): ChildProcessByStdio<null, Readable, null> {
  const script = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  scripts.add(script);
  script.once('close', () => scripts.delete(script));
  return script;
}

/**
 * From now on this process and those that it starts use it. It goes with the file, and the clusters in it, also when the runner of
 * the tests is interrupted or killed.
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
  after(() => removeCache(cache));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void removeCache(cache).finally(() => process.exit(1)));
  // The runner that reads them may have been killed: then this process goes on to its end all the same.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  return own;
}

async function removeCache(cache: string): Promise<void> {
  for (const script of scripts) script.kill('SIGKILL');
  // Of a test that has failed.
  for (const { keeper } of clusterFolders()) if (keeper !== undefined) process.kill(keeper.pid);
  await eventually('the end of every cluster', async () => assert.deepEqual(clusterFolders(), []));
  rmSync(cache, { recursive: true, force: true });
}
