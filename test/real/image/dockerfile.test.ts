/** The rules of hadolint, and of the shell that it reads in RUN, hold for the Dockerfile. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureParts, partPath } from '../parts.ts';

await ensureParts(['hadolint']);
const dockerfile = await readFile(join(import.meta.dirname, '../../../Dockerfile'), 'utf8');

/** What it has to say of such a file, empty when it is content. */
function findings(text: string): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(partPath('hadolint'), ['--no-color', '-'], (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
    child.stdin?.end(text);
  });
}

test('hadolint has nothing to say', async () => assert.equal(await findings(dockerfile), ''));

test('hadolint has something to say of a tag that moves', async () => {
  assert.match(await findings(dockerfile.replaceAll(/node:\S+/g, 'node:latest')), /DL3007/);
});
