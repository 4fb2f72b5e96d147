import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipReasons, warningReasons } from '../../../src/inject/result.ts';
import { generatedDocuments } from '../../../src/docs/documents.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { createRedirectorMetrics } from '../../../src/telemetry/redirector-metrics.ts';
import { createSyncMetrics } from '../../../src/telemetry/sync-metrics.ts';

test('an admission is counted by result and reason, and its duration in seconds', async () => {
  const metrics = createMetrics();
  metrics.admission('injected', 'injected', 0.0003);
  metrics.admission('allowed', 'opted-out', 0.3);
  metrics.admission('allowed', 'opted-out', 3);
  const text = await metrics.text();
  assert.match(text, /tandem_admissions_total\{result="injected",reason="injected"\} 1\n/);
  assert.match(text, /tandem_admissions_total\{result="allowed",reason="opted-out"\} 2\n/);
  assert.match(text, /tandem_admission_duration_seconds_bucket\{le="0.00025"\} 0\n/);
  assert.match(text, /tandem_admission_duration_seconds_bucket\{le="0.0005"\} 1\n/);
  assert.match(text, /tandem_admission_duration_seconds_bucket\{le="1"\} 2\n/);
  assert.match(text, /tandem_admission_duration_seconds_count 3\n/);
});

test('warnings are counted by their reason', async () => {
  const metrics = createMetrics();
  metrics.warning('unknown-annotation');
  metrics.warning('unknown-annotation');
  metrics.warning('no-effect');
  const text = await metrics.text();
  assert.match(text, /tandem_admission_warnings_total\{reason="unknown-annotation"\} 2\n/);
  assert.match(text, /tandem_admission_warnings_total\{reason="no-effect"\} 1\n/);
});

test('the expiry is in seconds, reloads by result', async () => {
  const metrics = createMetrics();
  metrics.certificateExpiry(1_800_000_000_000);
  metrics.certificateReload('failed');
  const text = await metrics.text();
  assert.match(text, /tandem_certificate_expiry_timestamp_seconds 1800000000\n/);
  assert.match(text, /tandem_certificate_reloads_total\{result="failed"\} 1\n/);
});

test('two registries do not share their counts', async () => {
  createMetrics().certificateReload('changed');
  assert.doesNotMatch(await createMetrics().text(), /reloads_total\{/);
});

test('the document has every metric that is served, and every reason', async () => {
  const sync = createSyncMetrics();
  for (const controller of ['to-consul', 'to-kubernetes', 'registrar', 'config-entries'] as const)
    sync.ofController(controller);
  const texts = [createMetrics().text(), sync.text(), createRedirectorMetrics().text()];
  const text = (await Promise.all(texts)).join('');
  const served = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  assert.ok(served.length >= 22, `${served.length} metrics`);
  const document = (await generatedDocuments()).get('docs/metrics.md') ?? '';
  for (const [, name, type] of served) assert.ok(document.includes(`| \`${name}\` | ${type} |`), name);
  for (const reason of Object.keys({ ...skipReasons, ...warningReasons }))
    assert.ok(document.includes(reason), reason);
});

test('the registrar agrees with Consul when both of its loops do', async () => {
  const metrics = createSyncMetrics();
  const shown = async (): Promise<string | undefined> =>
    /^tandem_registrar_last_success_timestamp_seconds (\S+)$/m.exec(await metrics.text())?.[1];
  const registrar = metrics.ofController('registrar');
  const [catalog, agents] = [registrar.newLoop(), registrar.newLoop()];
  agents(9000);
  assert.equal(await shown(), '0');
  catalog(8000);
  assert.equal(await shown(), '8');
  agents(10_000);
  assert.equal(await shown(), '8');
});
