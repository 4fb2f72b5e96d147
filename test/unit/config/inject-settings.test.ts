import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectFlagProblems, injectFlags } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';

function problemsOf(...flags: readonly string[]): readonly string[] {
  const parsed = parseFlags(injectFlags, flags, {});
  assert.ok(parsed.ok);
  return injectFlagProblems(parsed.values);
}

test('two ports of the sidecar are one', () => {
  assert.deepEqual(problemsOf('--proxy-mode=dataplane', '--owner=test'), []);
  const [problem = ''] = problemsOf(
    '--proxy-mode=dataplane',
    '--owner=test',
    '--sidecar-proxy-lifecycle-graceful-port=21000',
  );
  assert.match(problem, /port 21000 .*--sidecar-proxy-lifecycle-graceful-port/);
  const [merged = ''] = problemsOf(
    '--proxy-mode=dataplane',
    '--owner=test',
    '--enable-metrics',
    '--merged-metrics-port=20200',
  );
  assert.match(merged, /port 20200 .*--merged-metrics-port/);
});

test('agent mode has nobody who merges metrics', () => {
  assert.match(
    problemsOf('--enable-metrics-merging').join(),
    /--enable-metrics-merging is for --proxy-mode=dataplane/,
  );
});
