/** In which network rules are written while their process changes its own. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { processStart } from '../../../src/redirection/process-scan.ts';
import { applyRules } from '../../../src/runtime/apply-rules.ts';
import { processFiles } from '../../../src/runtime/process-files.ts';
import { enterOwnNetwork, needRoot } from '../harness/pod-network.ts';

needRoot();
enterOwnNetwork();

const folder = mkdtempSync(join(tmpdir(), 'tandem-network-'));
after(() => rmSync(folder, { recursive: true }));
const files = processFiles();

const LEAVES = 'until [ -e "$1" ]; do sleep 0.01; done; exec unshare --net sleep 60';

function waitUntil(isSo: () => boolean): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let left = 2000; !isSo(); left -= 1) {
    assert.ok(left > 0, 'waited for too long');
    Atomics.wait(pause, 0, 0, 5);
  }
}

const networkOf = (pid: number | 'self'): number => statSync(`/proc/${pid}/net/dev`).ino;

// Between any two looks at it: a pod with the network of its node may have a process that leaves it.
for (const moment of [1, 2, 3, 4])
  test(`a process that leaves the network of the node before look ${moment} at it brings no rules there`, async () => {
    const mark = join(folder, `leave-${moment}`);
    const child = spawn('sh', ['-c', LEAVES, 'sh', mark], { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    let looks = 0;
    const leaving = {
      start: processStart(files, pid) ?? 0,
      podUid: '',
      get pid() {
        looks += 1;
        if (looks === moment && !existsSync(mark)) {
          writeFileSync(mark, '');
          waitUntil(() => networkOf(pid) !== networkOf('self'));
        }
        return pid;
      },
    };
    try {
      const { kind } = await applyRules(files, leaving, 'table ip tandem { }\n');
      assert.equal(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }), '');
      assert.equal(kind, moment === 1 ? 'applied' : 'failed');
    } finally {
      child.kill();
    }
  });
