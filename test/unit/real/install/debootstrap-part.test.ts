import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { installDebianPart } from '../../../real/install/debian-part.ts';
import { bootstrapPart } from '../../../real/install/debootstrap-part.ts';
import { runTool } from '../../../real/install/run-tool.ts';
import type { Workbench } from '../../../real/install/workbench.ts';
import { partNamed } from '../../../real/parts.ts';

const never = new AbortController().signal;

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-install-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const image = partNamed('base-image');
const source = { kind: 'debootstrap', suite: 'bookworm', packages: ['curl'] } as const;

/** A workbench of root whose debootstrap is the function, and whose apt has these mirrors. */
function bootstrapBench(
  mirrors: readonly string[],
  debootstrap: (commandLine: readonly string[]) => Promise<readonly string[]>,
): Workbench {
  return {
    partsFolder: tmpdir(),
    isRoot: true,
    report: () => undefined,
    run: (command, given, options) => {
      if (command === 'apt-get') return Promise.resolve(mirrors);
      if (command === 'setpriv') return debootstrap(given);
      return runTool(command, given, { ...options, signal: never });
    },
  };
}

test('a root file system tells neither when nor on what machine it was made, and keeps the licences', async (t) => {
  const staging = temporaryFolder(t);
  const root = join(staging, 'base-image');
  const kept = ['etc/debian_version', 'usr/bin/curl', 'usr/share/doc/curl/copyright', 'var/lib/dpkg/status'];
  const dropped = `dev/null etc/hostname etc/resolv.conf etc/shadow- etc/apt/sources.list run/lock/x tmp/x
    usr/share/doc/curl/changelog.gz usr/share/info/dir usr/share/man/man1/curl.1.gz usr/share/locale/de/x.mo
    var/cache/ldconfig/aux-cache var/lib/apt/lists/mirror_Packages var/lib/dpkg/status-old var/log/dpkg.log
    var/log/apt/history.log`.split(/\s+/);
  const workbench = bootstrapBench([], () => {
    for (const file of [...kept, ...dropped, 'etc/machine-id']) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), 'made today');
    }
    return Promise.resolve([]);
  });
  await bootstrapPart(image, source, staging, workbench);
  const entries = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const files = entries.filter((entry) => statSync(join(root, entry)).isFile());
  assert.deepEqual(files.sort(), [...kept, 'etc/machine-id'].sort());
  assert.equal(readFileSync(join(root, 'etc/machine-id'), 'utf8'), '');
  assert.ok(existsSync(join(root, 'var/log/apt')), 'folders that programs write to stay');
  const times = [root, ...entries.map((entry) => join(root, entry))].map((path) => statSync(path).mtimeMs);
  assert.deepEqual([...new Set(times)], [0]);
});

test('packages come from the first mirror of apt that a web client can read, else from the usual one', async (t) => {
  const staging = temporaryFolder(t);
  const mirrorOf = async (mirrors: readonly string[]): Promise<readonly string[]> => {
    let after: readonly string[] = [];
    const stop = new Error('enough');
    const workbench = bootstrapBench(mirrors, (commandLine) => {
      after = commandLine.slice(commandLine.indexOf('bookworm') + 2);
      return Promise.reject(stop);
    });
    await assert.rejects(bootstrapPart(image, source, staging, workbench), /enough/);
    return after;
  };
  const list = 'mirror+file:/etc/apt/mirrors/debian.list';
  assert.deepEqual(await mirrorOf([list, 'http://a.test/debian', 'https://b.test/debian']), [
    'http://a.test/debian',
  ]);
  assert.deepEqual(await mirrorOf([list]), []);
  assert.deepEqual(await mirrorOf([]), []);
});

test('a debootstrap that fails shows the end of its log, where there is one: it names the cause', async (t) => {
  const staging = temporaryFolder(t);
  const failing = bootstrapBench([], () => Promise.reject(new Error('debootstrap failed:\n  W: Failure')));
  await assert.rejects(bootstrapPart(image, source, staging, failing), {
    message: 'debootstrap failed:\n  W: Failure',
  });
  mkdirSync(join(staging, 'base-image/debootstrap'), { recursive: true });
  writeFileSync(join(staging, 'base-image/debootstrap/debootstrap.log'), 'dpkg: no space left\n');
  await assert.rejects(bootstrapPart(image, source, staging, failing), {
    message: 'debootstrap failed:\n  W: Failure\n  dpkg: no space left',
  });
});

test('who is not root reads what to run instead', async (t) => {
  const workbench: Workbench = { ...bootstrapBench([], () => assert.fail()), isRoot: false };
  await assert.rejects(bootstrapPart(image, source, temporaryFolder(t), workbench), {
    message:
      'base-image has files of several owners, which only root can make. Run as root: npm run real:install -- base-image',
  });
  const runc = partNamed('runc');
  await assert.rejects(installDebianPart(runc, { kind: 'debian', package: 'runc' }, workbench), {
    message: 'runc comes from a Debian package. Run: sudo apt-get install --yes runc',
  });
});
