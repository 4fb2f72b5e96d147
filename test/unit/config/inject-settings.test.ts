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

test('the address of the Consul servers is a host: its port and scheme have flags of their own', () => {
  const read = (text: string): boolean =>
    parseFlags(injectFlags, [`--consul-server-addresses=${text}`], {}).ok;
  for (const host of ['consul', 'consul.example.', '10.0.0.1', 'fd00::1', 'exec=discover -q addrs'])
    assert.ok(read(host), host);
  for (const text of ['', 'https://consul', 'consul:8502', '10.0.0.1:8502', '[fd00::1]', 'a,b'])
    assert.ok(!read(text), text);
  const keys = parseFlags(injectFlags, ['--consul-server-addresses=provider=aws access_key_id=hunter2'], {});
  assert.match(
    keys.ok ? '' : keys.problems.join(),
    /^--consul-server-addresses: the value is not a DNS name/,
  );
});
