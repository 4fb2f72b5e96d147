import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectFlags, injectSettings } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { inject } from '../../../src/inject/inject.ts';
import type { InjectResult } from '../../../src/inject/result.ts';
import type { InjectSettings } from '../../../src/inject/settings.ts';

const PREFIX = 'consul.hashicorp.com/';
const FACTS = { version: '0.0.0', nativeSidecar: true, preStopSleep: true, ownNamespace: 'tandem' };

function settingsOf(way: string): InjectSettings {
  return injectSettings(parseFlags(injectFlags, [`--redirection=${way}`], {}).values, FACTS);
}

function injected(
  settings: InjectSettings,
  more: Readonly<Record<string, string>>,
  port = 8080,
): InjectResult {
  const annotations = {
    [`${PREFIX}connect-inject`]: 'true',
    [`${PREFIX}transparent-proxy`]: 'true',
    ...more,
  };
  const livenessProbe = { tcpSocket: { port } };
  const object = { metadata: { annotations }, spec: { containers: [{ name: 'web', livenessProbe }] } };
  return inject({ kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object }, settings);
}

const pods: readonly (readonly [Readonly<Record<string, string>>, number?])[] = [
  [{}],
  [{}, 8081],
  [{ [`${PREFIX}transparent-proxy-exclude-inbound-ports`]: '9000' }],
  [{ [`${PREFIX}transparent-proxy-exclude-outbound-ports`]: '9000' }],
  [{ [`${PREFIX}transparent-proxy-exclude-outbound-cidrs`]: '10.0.0.0/8' }],
  [{ [`${PREFIX}transparent-proxy-exclude-uids`]: '5996' }],
  [{ [`${PREFIX}sidecar-proxy-memory-limit`]: '100Mi' }],
];

for (const way of ['init', 'node'])
  test(`no pod gets what another one asked for, way ${way}`, () => {
    const settings = settingsOf(way);
    for (const pod of [...pods, ...pods])
      assert.deepEqual(injected(settings, ...pod), injected(settingsOf(way), ...pod));
  });
