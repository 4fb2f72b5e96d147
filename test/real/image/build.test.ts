/** `npm run image` on the real Debian: what it prints is what it has written. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { extract } from 'tar-stream';
import { ensureParts } from '../parts.ts';

await ensureParts(['base-image']);
const ROOT = join(import.meta.dirname, '../../..');
const folder = await mkdtemp(join(tmpdir(), 'tandem-build-'));
after(() => rm(folder, { recursive: true }));

test('it prints the file, the name and the digest, and the layers hold a Debian, Node.js and the bundle', async () => {
  const file = join(folder, 'image.tar');
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'image', '--', file], {
    cwd: ROOT,
  });
  const [path, name, digest = ''] = stdout.trimEnd().split('\n');
  assert.deepEqual([path, name], [file, 'tandem:0.1.0']);
  assert.deepEqual(await readdir(folder), ['image.tar']);

  const blobs = new Set<string>();
  const programs = new Map<string, string>();
  let index = '';
  for await (const blob of createReadStream(file).pipe(extract())) {
    blobs.add(blob.header.name);
    if (blob.header.name === 'index.json') for await (const chunk of blob) index += String(chunk);
    else if (blob.header.size < 1_000_000) blob.resume();
    else
      for await (const entry of blob.pipe(extract())) {
        programs.set(entry.header.name, (entry.header.mode ?? 0).toString(8));
        entry.resume();
      }
  }
  assert.ok(blobs.has(`blobs/${digest.replace(':', '/')}`));
  assert.ok(index.includes(digest));
  const modes = [
    'usr/bin/dash',
    'usr/sbin/nft',
    'usr/bin/nsenter',
    'usr/local/bin/node',
    'app/tandem.js',
    'app/LICENSE',
    'tmp/',
  ].map((at) => programs.get(at));
  assert.deepEqual(modes, ['755', '755', '755', '755', '644', '644', '1777']);
  assert.equal(programs.get('usr/bin/passwd'), '755');
});

test('without the Debian it says which command brings it, and nothing else', async () => {
  const failed: unknown = await promisify(execFile)('npm', ['run', '--silent', 'image'], {
    cwd: ROOT,
    env: { ...process.env, CI: '', XDG_CACHE_HOME: folder },
  }).catch((error: unknown) => error);
  assert.ok(failed instanceof Error && 'stderr' in failed && 'code' in failed);
  assert.equal(failed.code, 1);
  assert.equal(
    failed.stderr,
    'The part base-image is not installed. Run: npm run real:install -- base-image\n',
  );
});
