/** Whatever ends a cluster, nothing of it stays on the machine. These clusters are beside that of the suite. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../real/harness/eventually.ts';
import { clusterFolders, type ClusterFolder } from './harness/cluster-folder.ts';
import { familyOf, isLiving, machineState, type Member } from './harness/machine-state.ts';
import { skip, useOwnCache } from './harness/own-cache.ts';
import { startCluster } from './harness/keeper-client.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const STARTER = join(import.meta.dirname, 'harness/starter.ts');

// `down` finds no cluster of anybody else.
useOwnCache();
const before = await machineState();

test('a cluster that its starter ends', { skip }, async () => {
  const cluster = await startCluster();
  const family = familyOf(cluster.keeperPid);
  await assertIsThere(family);
  await cluster.end();
  await assertNothingLeft(family);
});

test('kill -9 of the starter, while the cluster comes up', { skip }, async () => {
  const starter = spawn(process.execPath, [STARTER], { stdio: ['ignore', 'pipe', 'inherit'] });
  await said(starter, 'both nodes are Ready');
  const family = familyOf(keeperOf(onlyCluster()));
  await assertIsThere(family);
  starter.kill('SIGKILL');
  await assertNothingLeft(family);
});

test('SIGTERM to npm run cluster, while the cluster comes up', { skip }, async () => {
  const main = spawn(process.execPath, [MAIN], { stdio: ['ignore', 'pipe', 'inherit'] });
  await said(main, 'the API server is ready');
  const family = familyOf(keeperOf(onlyCluster()));
  const exit = once(main, 'close');
  main.kill('SIGTERM');
  assert.deepEqual(await exit, [143, null]);
  await assertNothingLeft(family);
});

test('kill -9 of the keeper of a running cluster, then npm run cluster -- down', { skip }, async () => {
  const main = spawn(process.execPath, [MAIN, '--without-tandem'], { stdio: ['ignore', 'pipe', 'inherit'] });
  main.stdout.resume();
  assert.deepEqual(await once(main, 'close'), [0, null]);
  const keeper = keeperOf(onlyCluster());
  const family = familyOf(keeper);
  process.kill(keeper, 'SIGKILL');
  await eventually('every process ends with the keeper', async () =>
    assert.deepEqual(family.filter(isLiving), []),
  );
  const down = spawn(process.execPath, [MAIN, 'down'], { stdio: ['ignore', 'pipe', 'inherit'] });
  down.stdout.resume();
  assert.deepEqual(await once(down, 'close'), [0, null]);
  await assertNothingLeft(family);
});

async function assertNothingLeft(family: readonly Member[]): Promise<void> {
  await eventually('nothing of the cluster is left', async () => {
    assert.deepEqual(family.filter(isLiving), []);
    assert.deepEqual(clusterFolders(), []);
    assert.deepEqual(await machineState(), before);
  });
}

/** Else nothing could be missed afterwards: two nodes, each with its daemons, and the control plane. */
async function assertIsThere(family: readonly Member[]): Promise<void> {
  assert.ok(family.length >= 5, `only ${family.length} processes`);
  assert.notDeepEqual(await machineState(), before);
}

function onlyCluster(): ClusterFolder {
  const [cluster, ...more] = clusterFolders();
  assert.ok(cluster !== undefined && more.length === 0);
  return cluster;
}

function keeperOf({ keeper }: ClusterFolder): number {
  assert.ok(keeper !== undefined);
  return keeper.pid;
}

async function said(child: ChildProcess, text: string): Promise<void> {
  let output = '';
  const found = Promise.withResolvers<void>();
  child.stdout?.on('data', (chunk: Buffer) => {
    output += String(chunk);
    if (output.includes(text)) found.resolve();
  });
  child.once('close', () => found.reject(new Error(`it ended before it said "${text}": ${output}`)));
  await found.promise;
}
