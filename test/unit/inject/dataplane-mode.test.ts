/** What consul-dataplane gets, against what it has: a flag that it does not know ends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { property } from '../../../src/support/json.ts';
import { goldenNames, goldenResult, readGoldenCase } from '../../golden/golden-case.ts';

/** Flags of 1.6.6 and 1.6.9 alike (cmd/consul-dataplane/main.go), those left out that are deprecated or secret. */
const FLAGS = new Set(
  `addresses ca-certs config-file consul-dns-bind-addr consul-dns-bind-port credential-type dump-envoy-config-on-exit
  envoy-admin-bind-address envoy-admin-bind-port envoy-concurrency envoy-drain-strategy envoy-drain-time-seconds
  envoy-ready-bind-address envoy-ready-bind-port graceful-port graceful-shutdown-path graceful-startup-path grpc-port
  log-json log-level login-auth-method login-bearer-token-path login-datacenter login-meta login-namespace
  login-partition mode proxy-id proxy-id-path proxy-namespace proxy-node-id proxy-node-name proxy-partition
  server-watch-disabled shutdown-drain-listeners shutdown-grace-period-seconds startup-grace-period-seconds
  telemetry-prom-ca-certs-path telemetry-prom-cert-file telemetry-prom-key-file telemetry-prom-merge-port
  telemetry-prom-retention-time telemetry-prom-scrape-path telemetry-prom-service-metrics-url
  telemetry-use-central-config tls-cert tls-disabled tls-insecure-skip-verify tls-key tls-server-name xds-bind-addr
  xds-bind-port`.split(/\s+/),
);

const sidecars = goldenNames().flatMap((name): { readonly name: string; readonly sidecar: unknown }[] => {
  const result = goldenResult(readGoldenCase(name));
  if (result.kind !== 'inject') return [];
  return result.patch
    .flatMap((operation) => ('value' in operation ? [operation.value].flat() : []))
    .filter((value) => property(value, 'name') === 'consul-dataplane')
    .map((sidecar) => ({ name, sidecar }));
});

test('every flag of every golden case is one that consul-dataplane has', () => {
  assert.ok(sidecars.length > 10, `${sidecars.length} sidecars`);
  for (const { name, sidecar } of sidecars) {
    const args = property(sidecar, 'args') as readonly string[];
    const own = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length);
    const unknown = own.filter((arg) => !FLAGS.has(arg.replace(/^-/, '').replace(/=.*$/s, '')));
    assert.deepEqual(unknown, [], name);
  }
});

test('the startup probe asks what every image answers', () => {
  for (const { name, sidecar } of sidecars)
    assert.deepEqual(
      property(property(sidecar, 'startupProbe'), 'httpGet'),
      { path: '/ready', port: 21000 },
      name,
    );
});
