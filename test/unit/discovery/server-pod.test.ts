import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originsOf } from '../../../src/discovery/http-origin.ts';
import { formatAddress, podAddress, readServerPod } from '../../../src/discovery/server-pod.ts';
import { NO_HOSTS } from '../support/no-hosts.ts';

type Parts = {
  readonly annotation?: string;
  readonly ports?: readonly object[];
  readonly status?: object;
};

const podOf = ({ annotation, ports = [], status = {} }: Parts) =>
  readServerPod({
    metadata: {
      namespace: 'consul',
      name: 'server-0',
      annotations: annotation === undefined ? {} : { 'consul.hashicorp.com/auto-join-port': annotation },
    },
    spec: { containers: [{ name: 'sidecar' }, { name: 'consul', ports }] },
    status: { phase: 'Running', podIP: '10.0.0.1', hostIP: '192.0.2.1', ...status },
  });

function addressOf(parts: Parts, hostNetwork = false): string {
  const found = podAddress(podOf(parts), hostNetwork);
  if (found.kind === 'address') return formatAddress(found.host, found.port);
  return found.kind === 'skip' ? found.reason : found.warning;
}

const ready = (...statuses: readonly string[]) => ({
  conditions: [
    { type: 'Initialized', status: 'False' },
    ...statuses.map((status) => ({ type: 'Ready', status })),
  ],
});
const SERF = [
  { name: 'http', containerPort: 8500 },
  { name: 'serf', containerPort: 8301, hostPort: 18_301 },
];

const cases: readonly [string, Parts, string, string][] = [
  ['no condition', {}, '10.0.0.1', '192.0.2.1'],
  ['ready', { status: ready('True') }, '10.0.0.1', '192.0.2.1'],
  ['not ready', { status: ready('False') }, 'not-ready', 'not-ready'],
  ['unknown', { status: ready('Unknown') }, 'not-ready', 'not-ready'],
  ['other conditions only', { status: ready() }, '10.0.0.1', '192.0.2.1'],
  ['pending', { status: { phase: 'Pending' } }, 'not-running', 'not-running'],
  ['succeeded', { status: { phase: 'Succeeded' } }, 'not-running', 'not-running'],
  ['no pod IP', { status: { podIP: undefined } }, 'no-address', '192.0.2.1'],
  ['no host IP', { status: { hostIP: '' } }, '10.0.0.1', 'no-address'],
  ['number', { annotation: '8301' }, '10.0.0.1:8301', '192.0.2.1:8301'],
  ['largest number', { annotation: '65535' }, '10.0.0.1:65535', '192.0.2.1:65535'],
  ['name', { annotation: 'serf', ports: SERF }, '10.0.0.1:8301', '192.0.2.1:18301'],
  ['empty annotation', { annotation: '' }, '10.0.0.1', '192.0.2.1'],
  [
    'a host port of 0 is passed over',
    {
      annotation: 'serf',
      ports: [
        { name: 'serf', containerPort: 1, hostPort: 0 },
        { name: 'serf', containerPort: 2, hostPort: 3 },
      ],
    },
    '10.0.0.1:1',
    '192.0.2.1:3',
  ],
  [
    'a name that is a number',
    { annotation: '81', ports: [{ name: '81', containerPort: 9 }] },
    '10.0.0.1:9',
    '192.0.2.1:81',
  ],
  ['IPv6', { status: { podIP: 'fd00::1', hostIP: 'fd00::2' } }, 'fd00::1', 'fd00::2'],
  [
    'IPv6 with a port',
    { annotation: '1', status: { podIP: 'fd00::1', hostIP: 'fd00::2' } },
    '[fd00::1]:1',
    '[fd00::2]:1',
  ],
];

for (const [name, parts, ofPod, ofHost] of cases) {
  test(name, () => {
    assert.deepEqual([addressOf(parts), addressOf(parts, true)], [ofPod, ofHost]);
  });
}

for (const annotation of ['0', '65536', '-1', '0x10', 'nope', '8301 ', '$(rm)', '99999999999999999999']) {
  test(`a bad port is a warning with the pod's name: ${annotation}`, () => {
    assert.match(
      addressOf({ annotation, ports: SERF }),
      /^pod consul\/server-0 is left out: .*from 1 to 65535$/,
    );
  });
}

test('a name without a host port is bad with host_network only', () => {
  assert.match(
    addressOf({ annotation: 'http', ports: SERF }, true),
    /"http", which is neither .* with a host port/,
  );
  assert.equal(addressOf({ annotation: 'http', ports: SERF }), '10.0.0.1:8500');
});

test('whatever the JSON is, reading does not throw', () => {
  for (const raw of [undefined, null, 1, [], { spec: { containers: [1, { ports: 'x' }] } }, { status: [] }])
    assert.deepEqual(podAddress(readServerPod(raw), false), { kind: 'skip', reason: 'not-running' });
});

const HTTPS = { name: 'https', containerPort: 8501, hostPort: 443 };
const HTTP = { name: 'http', containerPort: 80, hostPort: 0 };
const origins: readonly [string, Parts, string, string, string][] = [
  ['nothing said', {}, 'http://10.0.0.1:8500', 'https://10.0.0.1:8501', 'http://192.0.2.1:8500'],
  ['annotation', { annotation: '9' }, 'http://10.0.0.1:9', 'https://10.0.0.1:9', 'http://192.0.2.1:9'],
  [
    'both',
    { annotation: '9', ports: [HTTP, HTTPS] },
    'http://10.0.0.1:80',
    'https://10.0.0.1:8501',
    'https://192.0.2.1:443',
  ],
  [
    'https only',
    { ports: [HTTPS] },
    'https://10.0.0.1:8501',
    'https://10.0.0.1:8501',
    'https://192.0.2.1:443',
  ],
  ['http only', { ports: [HTTP] }, 'http://10.0.0.1:80', 'https://10.0.0.1:8501', 'http://192.0.2.1:8500'],
  ['IPv6', { status: { podIP: '::1' } }, 'http://[::1]:8500', 'https://[::1]:8501', 'http://192.0.2.1:8500'],
];

for (const [name, parts, plain, tls, host] of origins) {
  test(`HTTP API: ${name}`, () => {
    const originOf = (withTls: boolean, hostNetwork: boolean): string => {
      const [origin, ...others] = originsOf([podOf(parts), podOf(parts), readServerPod({})], {
        withTls,
        hostNetwork,
      });
      assert.deepEqual(others, []);
      return origin ?? 'none';
    };
    assert.deepEqual(
      [originOf(false, false), originOf(true, false), originOf(false, true)],
      [plain, tls, host],
    );
  });
}

for (const host of NO_HOSTS)
  test(`what is no IP address is left out, and named: ${JSON.stringify(host.slice(0, 40))}`, () => {
    for (const hostNetwork of [false, true]) {
      const status = { podIP: host, hostIP: host };
      const found = podAddress(podOf({ status }), hostNetwork);
      assert.ok(found.kind === 'left-out');
      assert.match(
        found.warning,
        hostNetwork ? /consul\/server-0 .*status\.hostIP is "/ : /consul\/server-0 .*status\.podIP is "/,
      );
      assert.deepEqual(
        originsOf([podOf({ status }), podOf({})], { hostNetwork, withTls: false }),
        originsOf([podOf({})], { hostNetwork, withTls: false }),
      );
    }
  });
