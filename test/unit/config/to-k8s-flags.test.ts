import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syncCommand } from '../../../src/cli/sync-command.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';

function problems(args: readonly string[]): readonly string[] {
  return syncCommand.check?.(parseFlags(syncCommand.flags, args, {}).values) ?? [];
}

test('a sync with nothing to do is a usage error; the registrar or config entries alone are something to do', () => {
  assert.match(
    problems(['--to-consul=false']).join(),
    /needs --to-k8s, --registrar or --config-entries; otherwise there is nothing/,
  );
  for (const part of ['--to-k8s', '--registrar', '--config-entries'])
    assert.deepEqual(problems(['--to-consul=false', part]), []);
});
