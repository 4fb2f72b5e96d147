import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { runCommand } from '../../../src/cli/run-command.ts';

async function problemsOf(...argv: readonly string[]): Promise<string> {
  const stderr = new PassThrough();
  const code = await runCommand(argv, {
    nodeVersion: process.versions.node,
    environment: {},
    stdin: Readable.from([]),
    stdout: new PassThrough(),
    stderr,
    signal: new AbortController().signal,
  });
  stderr.end();
  assert.equal(code, 2);
  return text(stderr);
}

test('of an auto-join string without quotes, the rest is refused, and no key of a cloud is repeated', async () => {
  const said = await problemsOf('version', '--', 'secret_access_key=hunter2');
  assert.match(said, /^tandem version: "secret_access_key=…" is not expected here\n/);
  assert.match(await problemsOf('version', 'now'), /^tandem version: "now" is not expected here\n/);
});
