import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectFlags, injectSettings } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { inject } from '../../../src/inject/inject.ts';
import type { InjectResult } from '../../../src/inject/result.ts';
import type { InjectSettings } from '../../../src/inject/settings.ts';

const PREFIX = 'consul.hashicorp.com/';
const FACTS = { version: '0.0.0', nativeSidecar: true, preStopSleep: true, ownNamespace: 'tandem' };

const ways: Readonly<Record<string, readonly string[]>> = {
  'an init container redirects': ['--redirection=init'],
  'the node redirects': ['--redirection=node'],
  "Consul's own proxy": ['--sidecar-proxy=builtin'],
  'dataplane mode': ['--proxy-mode=dataplane', '--owner=east'],
};

function settingsOf(flags: readonly string[]): InjectSettings {
  return injectSettings(parseFlags(injectFlags, flags, {}).values, FACTS);
}

type Asked = readonly [annotations: Readonly<Record<string, string>>, port?: number];

function injected(settings: InjectSettings, [asked, port = 8080]: Asked): InjectResult {
  const annotations = Object.fromEntries(
    Object.entries({ 'connect-inject': 'true', ...asked }).map(([name, value]) => [PREFIX + name, value]),
  );
  const livenessProbe = { tcpSocket: { port } };
  const object = { metadata: { annotations }, spec: { containers: [{ name: 'web', livenessProbe }] } };
  return inject({ kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object }, settings);
}

const redirected = { 'transparent-proxy': 'true' };
const pods: readonly Asked[] = [
  [{}],
  [{ 'connect-service': 'api' }],
  [{ 'connect-service': 'api,admin', 'connect-service-port': '8080,9090' }],
  [{ 'consul-envoy-proxy-concurrency': '5' }],
  [{ 'envoy-extra-args': '--log-level debug' }],
  [{ 'enable-metrics': 'true' }],
  [{ 'enable-metrics': 'true', 'prometheus-scrape-port': '20300' }],
  [{ 'enable-consul-dataplane-as-sidecar': 'false' }],
  [{ 'enable-consul-dataplane-as-sidecar': 'false', 'connect-service-port': '8080' }],
  [{ 'sidecar-proxy-memory-limit': '100Mi' }],
  [
    {
      'consul-sidecar-user-volume': '[{"name":"more","emptyDir":{}}]',
      'consul-sidecar-user-volume-mount': '[{"name":"more","mountPath":"/more"}]',
    },
  ],
  [redirected],
  [redirected, 8081],
  [{ ...redirected, 'transparent-proxy-exclude-inbound-ports': '9000' }],
  [{ ...redirected, 'transparent-proxy-exclude-outbound-ports': '9000' }],
  [{ ...redirected, 'transparent-proxy-exclude-outbound-cidrs': '10.0.0.0/8' }],
  [{ ...redirected, 'transparent-proxy-exclude-uids': '5996' }],
  [{ ...redirected, 'sidecar-proxy-memory-limit': '100Mi' }],
];

for (const [way, flags] of Object.entries(ways))
  test(`no pod gets what another one asked for: ${way}`, () => {
    const settings = settingsOf(flags);
    for (const pod of [...pods, ...pods])
      assert.deepEqual(injected(settings, pod), injected(settingsOf(flags), pod));
  });
