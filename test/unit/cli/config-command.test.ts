import assert from 'node:assert/strict';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { configCommand } from '../../../src/cli/config-command.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples/config-entries');

type Output = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function run(output: string, operands: readonly string[], input = ''): Promise<Output> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await configCommand.run({ output }, operands, {
    nodeVersion: process.version,
    environment: {},
    stdin: Readable.from([input]),
    stdout,
    stderr,
    signal: new AbortController().signal,
  });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

const entry = (action: string): string =>
  JSON.stringify({
    apiVersion: 'consul.hashicorp.com/v1alpha1',
    kind: 'ServiceIntentions',
    metadata: { name: 'web' },
    spec: { destination: { name: 'web' }, sources: [{ name: 'api', action }] },
  });

test('a valid object: exit code 0, and the entry that Consul would get', async () => {
  const { code, stdout, stderr } = await run('consul', ['-'], entry('allow'));
  assert.deepEqual([code, stderr], [0, '1 object of config entries, none invalid\n']);
  assert.deepEqual(JSON.parse(stdout), {
    Kind: 'service-intentions',
    Name: 'web',
    Sources: [{ Name: 'api', Action: 'allow' }],
  });
});

test('an invalid object: exit code 69, its problem, and no entry', async () => {
  const { code, stdout, stderr } = await run('consul', ['-'], entry('alow'));
  assert.deepEqual([code, stdout], [69, '']);
  assert.equal(
    stderr,
    '<stdin>:1: refused: ServiceIntentions web: spec.sources[0].action: "alow" must be "allow" or "deny"\n' +
      '1 object of config entries, 1 invalid\n',
  );
});

test('warnings alone leave the exit code at 0', async () => {
  const { code, stderr } = await run('problems', [join(EXAMPLES, 'service-intentions.yaml')]);
  assert.equal(code, 0);
  assert.match(stderr, /:11: warning: ServiceIntentions counting: spec\.sources\[0\]\.permissions: need /);
});

test('what a terminal would obey is shown and not obeyed', async () => {
  const { stderr } = await run('problems', ['-'], entry('\u001b[2J'));
  assert.ok(!stderr.includes('\u001b'), stderr);
});
