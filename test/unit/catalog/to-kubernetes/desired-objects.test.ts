import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desiredOf } from '../../../../src/catalog/to-kubernetes/desired-objects.ts';
import { endpointAddress } from '../../../../src/catalog/to-kubernetes/cluster-address.ts';
import { instance, NOWHERE, SETTINGS } from './consul-side.ts';

const externalMode = { ...SETTINGS, mode: 'external-name' as const };

test('healthy instances with an IP address are endpoints, by family and port, each address once', () => {
  const { service, problems } = desiredOf(
    'web',
    [
      instance('10.0.0.2', { zone: 'a' }),
      instance('10.0.0.1'),
      instance('10.0.0.2', { zone: 'b' }),
      instance('10.0.0.3', { isHealthy: false }),
      instance('fd00:0::1'),
      instance('10.0.0.1', { port: 9 }),
    ],
    SETTINGS,
    NOWHERE,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(service, {
    kind: 'endpoints',
    port: 8080,
    groups: [
      {
        family: 'IPv4',
        port: 8080,
        endpoints: [
          { address: '10.0.0.1', zone: undefined },
          { address: '10.0.0.2', zone: 'a' },
        ],
      },
      { family: 'IPv4', port: 9, endpoints: [{ address: '10.0.0.1', zone: undefined }] },
      { family: 'IPv6', port: 8080, endpoints: [{ address: 'fd00::1', zone: undefined }] },
    ],
  });
});

test('the port is that of most, the smallest of several, and stays when all are down', () => {
  const portOf = (...ports: readonly number[]): number | undefined => {
    const instances = ports.map((port) => instance(`10.0.0.${port % 250}`, { port, isHealthy: false }));
    const { service } = desiredOf('web', instances, SETTINGS, NOWHERE);
    return service?.kind === 'endpoints' ? service.port : undefined;
  };
  assert.equal(portOf(3, 2, 2), 2);
  assert.equal(portOf(3, 2), 2);
  assert.equal(portOf(0, 0, 5), 5);
  assert.equal(portOf(0), 0);
});

test('host names: one that serves is the externalName, several are left to the DNS of Consul', () => {
  const nameOf = (...instances: readonly Parameters<typeof instance>[]): string | undefined => {
    const { service } = desiredOf(
      'Web',
      instances.map((each) => instance(...each)),
      SETTINGS,
      NOWHERE,
    );
    return service?.kind === 'external-name' ? service.externalName : undefined;
  };
  assert.equal(nameOf(['Db.example.com.']), 'db.example.com');
  assert.equal(nameOf(['a.test'], ['b.test', { isHealthy: false }]), 'a.test');
  assert.equal(nameOf(['a.test'], ['b.test']), 'web.service.consul');
  assert.equal(nameOf(['not a.name']), 'web.service.consul');
});

test('beside IP addresses a host name is left out, and an address that no endpoint may have always', () => {
  const { service, problems } = desiredOf(
    'web',
    [instance('10.0.0.1'), instance('db.test'), instance('127.0.0.1')],
    SETTINGS,
    NOWHERE,
  );
  assert.equal(service?.kind === 'endpoints' && service.groups[0]?.endpoints.length, 1);
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    ['special-address', 'host-name-address'],
  );
});

test('the mode external-name asks nothing of the instances, and a name that is no DNS name is reported', () => {
  assert.deepEqual(desiredOf('Web', [], externalMode, NOWHERE).service, {
    kind: 'external-name',
    externalName: 'web.service.consul',
  });
  const { service, problems } = desiredOf('a_b', [], externalMode, NOWHERE);
  assert.equal(service, undefined);
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    ['no-dns-name'],
  );
});

test('addresses are read as the API server judges them', () => {
  for (const special of [
    '127.0.0.1',
    '0.0.0.0',
    '169.254.1.1',
    '224.0.0.1',
    '239.1.1.1',
    '::',
    '::1',
    'fe80::1',
    'ff02::1',
    '::ffff:10.0.0.1',
  ])
    assert.deepEqual(endpointAddress(special), { kind: 'special' }, special);
  for (const disguised of [
    '',
    '10.0.0',
    '010.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    'fe80::1%eth0',
    '[::1]',
    '127.1.',
  ])
    assert.deepEqual(endpointAddress(disguised), { kind: 'special' }, disguised);
  for (const host of ['localhost', 'a.test', 'db1', '10.example', 'v6.example'])
    assert.deepEqual(endpointAddress(host), { kind: 'host-name' }, host);
  assert.deepEqual(endpointAddress('2001:DB8:0:0::1'), {
    kind: 'ip',
    family: 'IPv6',
    address: '2001:db8::1',
  });
});
