/** Annotations without a value. Source: consul-k8s, control-plane/connect-inject, which of them it takes as absent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectFlags, injectSettings } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { inject } from '../../../src/inject/inject.ts';
import type { InjectResult } from '../../../src/inject/result.ts';

const AS_ABSENT = [
  'connect-service',
  'enable-consul-dataplane-as-sidecar',
  'enable-metrics',
  'enable-metrics-merging',
  'enable-sidecar-proxy-lifecycle',
  'enable-sidecar-proxy-lifecycle-shutdown-drain-listeners',
  'merged-metrics-port',
  'prometheus-ca-file',
  'prometheus-ca-path',
  'prometheus-cert-file',
  'prometheus-key-file',
  'prometheus-scrape-path',
  'prometheus-scrape-port',
  'service-metrics-path',
  'service-metrics-port',
  'sidecar-proxy-lifecycle-graceful-port',
  'sidecar-proxy-lifecycle-graceful-shutdown-path',
  'sidecar-proxy-lifecycle-graceful-startup-path',
  'sidecar-proxy-liveness-failure-seconds',
  'sidecar-proxy-startup-failure-seconds',
  'use-proxy-health-check',
];

/** consul-k8s refuses these; it registers no pod whose `kubernetes-service` is empty, and other ports for an empty port. */
const REFUSED = [
  'connect-inject',
  'connect-service-port',
  'consul-envoy-proxy-concurrency',
  'kubernetes-service',
  'sidecar-proxy-cpu-limit',
  'sidecar-proxy-cpu-request',
  'sidecar-proxy-lifecycle-shutdown-grace-period-seconds',
  'sidecar-proxy-lifecycle-startup-grace-period-seconds',
  'sidecar-proxy-memory-limit',
  'sidecar-proxy-memory-request',
  'transparent-proxy',
  'transparent-proxy-overwrite-probes',
];

const flags = [
  '--proxy-mode=dataplane',
  '--owner=east',
  '--default-inject',
  '--enable-metrics',
  '--enable-metrics-merging',
  '--enable-sidecar-proxy-lifecycle',
];
const { values } = parseFlags(injectFlags, flags, {});
const settings = injectSettings(values, {
  version: '0.0.0',
  nativeSidecar: true,
  preStopSleep: true,
  ownNamespace: 'tandem',
});

function injected(annotations: Readonly<Record<string, string>>): InjectResult {
  const prefixed = Object.entries(annotations).map(([name, value]) => [
    `consul.hashicorp.com/${name}`,
    value,
  ]);
  const spec = { containers: [{ name: 'web', ports: [{ containerPort: 8080 }] }] };
  const object = { metadata: { annotations: Object.fromEntries(prefixed) as object }, spec };
  return inject({ kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object }, settings);
}

/** Without what is written where an annotation is absent: one that is there stays as it is. */
function specOf(result: InjectResult): unknown {
  assert.ok(result.kind === 'inject', JSON.stringify(result));
  return result.patch.filter(({ path }) => path.startsWith('/spec'));
}

for (const name of AS_ABSENT)
  test(`an empty ${name} is as none`, () => {
    const result = injected({ [name]: '' });
    assert.deepEqual(specOf(result), specOf(injected({ 'service-tags': '' })));
    assert.deepEqual(result.warnings, []);
  });

for (const name of REFUSED)
  test(`an empty ${name} denies the pod`, () => {
    const result = injected({ [name]: '' });
    assert.ok(result.kind === 'invalid');
    assert.equal(result.problems[0]?.at, `consul.hashicorp.com/${name}`);
  });

test('one part of the TLS of the metrics port that is empty is missing', () => {
  const result = injected({
    'prometheus-ca-file': '/ca.pem',
    'prometheus-cert-file': '/c.pem',
    'prometheus-key-file': '',
  });
  assert.ok(result.kind === 'invalid');
  assert.match(result.problems[0]?.message ?? '', /is missing/);
});
