/** No Service that is made from Consul leads into the cluster, or to the machine of whoever uses it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desiredOf, type DesiredService } from '../../../../src/catalog/to-kubernetes/desired-objects.ts';
import { cidrLookup } from '../../../../src/support/cidr.ts';
import { instance, SETTINGS } from './consul-side.ts';

const NETWORK = { rangeOf: cidrLookup(['10.96.0.0/12', '10.244.0.0/16', 'fd00:10::/56', '192.0.2.1']) };

function made(addresses: readonly string[], settings: Partial<typeof SETTINGS> = {}) {
  const instances = addresses.map((address) => instance(address));
  const { service, problems } = desiredOf('web', instances, { ...SETTINGS, ...settings }, NETWORK);
  return { served: servedBy(service), reasons: problems.map(({ reason }) => reason), problems };
}

function servedBy(service: DesiredService | undefined): readonly string[] {
  if (service === undefined) return [];
  return service.kind === 'external-name'
    ? [service.externalName]
    : service.groups.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
}

for (const address of [
  '10.96.0.1',
  '10.111.255.255',
  '10.244.3.4',
  'fd00:10::7',
  'FD00:0010:0::7',
  '192.0.2.1',
  '::10.96.0.1',
  '64:ff9b::10.96.0.1',
  '64:ff9b::127.0.0.1',
  '2002:0a60:0001::1',
  '168.63.129.16',
  '100.100.100.200',
  'fd00:ec2::254',
]) {
  test(`${address} is left out and reported, beside one that stays`, () => {
    const { served, reasons, problems } = made([address, '198.51.100.7']);
    assert.deepEqual([served, reasons], [['198.51.100.7'], ['cluster-address']]);
    assert.match(problems[0]?.message ?? '', /so the instance is left out; .*--allow-cluster-addresses/);
    assert.deepEqual(made([address]).served, []);
    assert.equal(made([address, '198.51.100.7'], { allowClusterAddresses: true }).served.length, 2);
  });
}

for (const host of [
  'kubernetes.default.svc.cluster.local',
  'Kubernetes.Default.SVC.Cluster.Local.',
  '10-244-0-1.default.pod.cluster.local',
  'kubernetes.default.svc',
  'kubernetes.default',
  'kubernetes',
  'localhost',
  'x.localhost',
  'localhost.localdomain',
  'metadata.google.internal',
]) {
  test(`the host name ${host} is no externalName, beside one that is`, () => {
    const { served, reasons } = made([host, 'db.example']);
    assert.deepEqual([served, reasons], [['db.example'], ['cluster-address']]);
    assert.deepEqual(made([host]).served, []);
    const allowed = made([host], { allowClusterAddresses: true });
    assert.deepEqual([allowed.served, allowed.reasons], [[host.toLowerCase().replace(/\.$/, '')], []]);
  });
}

test('the domain of the cluster is that of the flag', () => {
  const host = 'web.shop.svc.k8s.example';
  assert.deepEqual(made([host]).served, [host]);
  assert.deepEqual(made([host], { clusterDomain: 'k8s.example' }).reasons, ['cluster-address']);
});

for (const address of [
  '127.0.0.1',
  '127.1',
  '0177.0.0.1',
  '0x7f000001',
  '2130706433',
  '0.0.0.0',
  '169.254.169.254',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.96.0.1',
  'fe80::1',
  'fe80::1%eth0',
  '[::1]',
  'ff02::1',
  '239.1.1.1',
]) {
  test(`${address} is never served, whatever the flag says`, () => {
    for (const allowClusterAddresses of [false, true]) {
      const { served, reasons } = made([address, '198.51.100.7'], { allowClusterAddresses });
      assert.deepEqual([served, reasons], [['198.51.100.7'], ['special-address']]);
      assert.deepEqual(made([address], { allowClusterAddresses }).served, []);
    }
  });
}

test('names and addresses elsewhere are served', () => {
  for (const address of [
    '198.51.100.7',
    '10.0.0.1',
    '2001:db8::1',
    'db.example',
    'svc.example',
    'cluster.local.example',
  ])
    assert.deepEqual([made([address]).served, made([address]).reasons], [[address], []], address);
});

test('several host names of which one is refused do not become the name in the DNS of Consul, which knows it', () => {
  assert.deepEqual(made(['b.example', 'a.example']).served, ['web.service.consul']);
  assert.deepEqual(made(['b.example', 'kubernetes.default.svc', 'a.example']).served, ['a.example']);
  assert.deepEqual(made(['b.example', '10.96.0.1', 'a.example']).served, ['a.example']);
});

test('each refused address is reported once, ten of a service at most', () => {
  const many = Array.from({ length: 40 }, (_, index) => `10.96.0.${index % 20}`);
  assert.equal(made(many).problems.length, 10);
  assert.deepEqual(made(many).problems, made(many.toReversed()).problems);
});
