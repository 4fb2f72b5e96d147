/** Whatever ends a cluster, nothing of it stays on the machine. These clusters are beside those of the suite. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../real/harness/eventually.ts';
import { clusterFolders, clustersRoot } from './harness/cluster-folder.ts';
import { familyOf, isLiving, machineState, cameSince, type Member } from './harness/machine-state.ts';
import { skip, startScript, useOwnCache } from './harness/own-cache.ts';
import { command } from './harness/command.ts';
import { linkIndex, linkName, removeLink } from './harness/network.ts';
import { takeDown } from './harness/take-down.ts';
import { startCluster } from './harness/keeper-client.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const STARTER = join(import.meta.dirname, 'harness/starter.ts');

// `down` finds no cluster of anybody else.
useOwnCache();
const before = await machineState();

test(
  'a cluster that its starter ends, a node of which has ended by itself and was started again',
  { skip },
  async () => {
    const cluster = await startCluster();
    const [holder, other] = holdersOf(await seen());
    assert.ok(holder !== undefined && other !== undefined);
    // The first process of a node is the only child of the one that holds it.
    const { pid } = holder;
    process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')), 'SIGKILL');
    await eventually('both nodes again', async () => {
      for (const node of ['node-1', 'node-2']) {
        const post = { socketPath: cluster.socket, path: `/nodes/${node}/start`, method: 'POST' };
        const [answer] = (await once(request(post).end(), 'response')) as [IncomingMessage];
        assert.equal(answer.resume().statusCode, 204);
      }
      const now = holdersOf(await seen());
      assert.ok(now.length === 2 && now.every((each) => each.pid !== pid), JSON.stringify(now));
    });
    const there = await seen();
    await cluster.end();
    await assertNothingLeft(there);
  },
);

test('kill -9 of the starter, while the cluster comes up; down waits for the end', { skip }, async () => {
  const starter = startScript(STARTER);
  await said(starter, 'both nodes are Ready');
  const there = await seen();
  starter.kill('SIGKILL');
  await once(starter, 'close');
  const { ended, left } = await takeDown();
  assert.deepEqual([ended.length, left.length], [1, 0]);
  await assertNothingLeft(there);
});

test('SIGTERM to npm run cluster, while the cluster comes up', { skip }, async () => {
  const main = startScript(MAIN);
  await said(main, 'the API server is ready');
  const there = await seen();
  const exit = once(main, 'close');
  main.kill('SIGTERM');
  assert.deepEqual(await exit, [143, null]);
  await assertNothingLeft(there);
});

test('kill -9 of the keeper of a running cluster, then npm run cluster -- down', { skip }, async () => {
  const main = startScript(MAIN, ['--without-tandem']);
  main.stdout.resume();
  assert.deepEqual(await once(main, 'close'), [0, null]);
  const again = startScript(MAIN);
  await said(again, 'A cluster is up already');
  const there = await seen();
  process.kill(there.keeper, 'SIGKILL');
  await eventually('every process ends with the keeper', async () =>
    assert.deepEqual(there.family.filter(isLiving), []),
  );
  const down = startScript(MAIN, ['down']);
  down.stdout.resume();
  assert.deepEqual(await once(down, 'close'), [0, null]);
  await assertNothingLeft(there);
});

test(
  'what a killed keeper left is told from another cluster that has come by its addresses',
  { skip },
  async () => {
    const id = '10-255';
    await command('ip', ['link', 'add', 'name', linkName(id), 'type', 'veth', 'peer', 'name', 'tandem-peer']);
    try {
      const index = (await linkIndex(id)) ?? 0;
      leaveFolder(id, index - 1);
      await takeDown();
      assert.equal(await linkIndex(id), index);
      leaveFolder(id, index);
      await takeDown();
      assert.equal(await linkIndex(id), undefined);
      assert.deepEqual(clusterFolders(), []);
    } finally {
      await removeLink(id);
    }
  },
);

/** As a keeper leaves it that was killed, with the link of this index. */
function leaveFolder(id: string, link: number): void {
  const path = join(clustersRoot(), id);
  mkdirSync(path, { recursive: true });
  const keeper = { pid: process.pid, born: 'before', isLetGo: true, link };
  writeFileSync(join(path, 'keeper.json'), JSON.stringify(keeper));
}

type Seen = { readonly id: string; readonly keeper: number; readonly family: readonly Member[] };

/** The cluster while it is there; what would not be seen now, could not be missed afterwards. */
async function seen(): Promise<Seen> {
  const [cluster, ...more] = clusterFolders();
  assert.ok(cluster?.keeper !== undefined && more.length === 0);
  const { id, keeper } = cluster;
  const family = familyOf(keeper.pid);
  const commands = family.map((member) => member.command).join('\n');
  for (const name of ['etcd', 'kube-apiserver']) assert.ok(commands.includes(`/${name} `), commands);
  const came = (await cameSince(before, id)).join('\n');
  assert.match(came, /^link .*^route /ms);
  return { id, keeper: keeper.pid, family };
}

function holdersOf({ family }: Seen): readonly Member[] {
  return family.filter(({ command: line }) => line.startsWith('unshare --mount --pid'));
}

async function assertNothingLeft({ id, family }: Seen): Promise<void> {
  await eventually('nothing of the cluster is left', async () => {
    assert.deepEqual(family.filter(isLiving), []);
    assert.deepEqual(clusterFolders(), []);
    assert.deepEqual(await cameSince(before, id), []);
  });
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
