import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { linkerFlags } from '../../real/install/go-part.ts';
import { withInstallLock } from '../../real/install/install-lock.ts';
import { duration, startProgress } from '../../real/install/progress.ts';
import { runTool } from '../../real/install/run-tool.ts';
import { withStaging } from '../../real/install/staging.ts';
import { partFolder, partNamed } from '../../real/parts.ts';

const etcd = partNamed('etcd');
const never = new AbortController().signal;

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-install-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function runScript(script: string, signal: AbortSignal = never): Promise<readonly string[]> {
  return runTool(process.execPath, ['-e', script], {
    folder: tmpdir(),
    environment: {},
    signal,
    isProgress: (line) => line.startsWith('package'),
  });
}

test('a part is in the cache only when its work ended well, and nothing else is left there', async (t) => {
  const root = temporaryFolder(t);
  const build = async (staging: string): Promise<void> => writeFile(join(staging, 'etcd'), '');
  const broken = withStaging(root, etcd, async (staging) => {
    await build(staging);
    throw new Error('out of space');
  });
  await assert.rejects(broken, /out of space/);
  assert.deepEqual(readdirSync(root), []);
  await withStaging(root, etcd, build);
  assert.deepEqual(readdirSync(root), ['etcd-3.6.5']);
  assert.ok(existsSync(join(partFolder(root, etcd), 'etcd')));
});

test('what a killed installation left is removed by the next', async (t) => {
  const root = temporaryFolder(t);
  mkdirSync(join(root, '.staging-left'));
  writeFileSync(join(root, '.staging-left/etcd'), 'half');
  await withStaging(root, etcd, () => Promise.resolve());
  assert.deepEqual(readdirSync(root), ['etcd-3.6.5']);
});

test('a second installation into a cache waits for the end of the first', async (t) => {
  const root = temporaryFolder(t);
  const events: string[] = [];
  const first = Promise.withResolvers<void>();
  const waiting = Promise.withResolvers<void>();
  const one = withInstallLock(root, assert.fail, never, async () => {
    await first.promise;
    events.push('first');
  });
  const two = withInstallLock(root, waiting.resolve, never, () => {
    events.push('second');
    return Promise.resolve();
  });
  await waiting.promise;
  first.resolve();
  await Promise.all([one, two]);
  assert.deepEqual(events, ['first', 'second']);
});

test('a wait for another installation can be interrupted', async (t) => {
  const root = temporaryFolder(t);
  await withInstallLock(root, assert.fail, never, async () => {
    const interruption = new AbortController();
    const wait = withInstallLock(
      root,
      () => setImmediate(() => interruption.abort()),
      interruption.signal,
      () => Promise.reject(new Error('had the lock')),
    );
    await assert.rejects(wait, { name: 'AbortError' });
  });
});

test('a failing tool shows its command and the end of its output, without its progress', async () => {
  const script = `for (let i = 0; i < 99; i++) console.log('line ' + i); console.error('cause'); console.log('package a'); process.exitCode = 3`;
  await assert.rejects(runScript(script), (error: Error) => {
    assert.match(error.message, /^\S*node\S* -e .* failed:\n/);
    assert.match(error.message, /line 98/);
    assert.match(error.message, /cause/);
    assert.doesNotMatch(error.message, /line 9$|package a$/m);
    return true;
  });
});

test('a tool that is not there is named', async () => {
  const options = { folder: tmpdir(), environment: {}, signal: never, isProgress: () => false };
  await assert.rejects(runTool('tandem-no-such-tool', [], options), {
    message: 'tandem-no-such-tool is not in the PATH',
  });
});

test('an interruption ends the tool that runs', async () => {
  const interruption = new AbortController();
  const run = runScript('setInterval(() => {}, 1000)', interruption.signal);
  interruption.abort();
  await assert.rejects(run, { name: 'AbortError' });
});

test('a terminal has one line that is written over, anything else has plain lines', () => {
  const told = (isTTY: boolean): string => {
    let text = '';
    let clock = 0;
    const output = { isTTY, columns: 80, write: (more: string) => (text += more) };
    const { report, finish } = startProgress(etcd, output, () => clock);
    report('1 of 2 packages');
    clock = 83_000;
    finish('installed');
    return text;
  };
  assert.equal(told(false), 'etcd 3.6.5: started\netcd 3.6.5: installed after 1 min 23 s\n');
  assert.equal(told(true), '\r\u001b[2Ketcd 3.6.5: installed after 1 min 23 s\n');
  assert.equal(duration(9_400), '9 s');
});

test('variables are set at link time', () => {
  assert.equal(linkerFlags({ 'a/b.c': 'v1', 'a/b.d': '2' }), '-s -w -X a/b.c=v1 -X a/b.d=2');
});
