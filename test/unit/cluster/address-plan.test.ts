import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressPlan, chooseNetwork } from '../../cluster/harness/address-plan.ts';

const route = (destination: string, device = 'eth0'): { destination: string; device: string } => ({
  destination,
  device,
});
const choose = (
  routes: readonly string[],
  wanted?: string,
  taken: readonly string[] = [],
): string | undefined => {
  const choice = chooseNetwork(
    wanted,
    routes.map((each) => route(each)),
    taken,
  );
  return choice.kind === 'chosen' ? choice.network : undefined;
};

test('the first range that nothing of the machine uses is taken', () => {
  assert.equal(choose(['default', '192.0.2.0/24', '127.0.0.1']), '10.64.0.0/16');
  assert.equal(choose(['10.64.0.0/16']), '10.65.0.0/16');
  assert.equal(choose(['10.64.3.0/24', '10.65.200.7']), '10.66.0.0/16');
  assert.equal(choose(['10.64.0.0/12']), '10.80.0.0/16');
  assert.equal(choose([], undefined, ['10-64', '10-65']), '10.66.0.0/16');
});

test('with no range free, the way out is said', () => {
  const choice = chooseNetwork(undefined, [route('10.0.0.0/8', 'tun0')], []);
  assert.match(choice.kind === 'refused' ? choice.problem : '', /--network=172\.30\.0\.0\/16/);
});

test('a range that was asked for is taken unless something lies in it', () => {
  assert.equal(choose(['10.0.0.0/8'], '10.70.0.0/16'), '10.70.0.0/16');
  assert.equal(choose(['10.70.0.0/16'], '10.70.0.0/16'), undefined);
  assert.equal(choose(['10.70.9.1'], '10.70.0.0/16'), undefined);
  assert.equal(choose([], '10.70.0.0/16', ['10-70']), undefined);
  const choice = chooseNetwork('10.70.0.0/16', [route('10.70.0.0/24', 'tun0')], []);
  assert.match(choice.kind === 'refused' ? choice.problem : '', /10\.70\.0\.0\/24 over tun0/);
});

for (const wrong of ['10.70.0.0', '10.70.0.0/24', '10.70.1.0/16', '10.300.0.0/16', 'fd00::/16', ''])
  test(`--network=${wrong} is refused`, () => {
    const choice = chooseNetwork(wrong, [], []);
    assert.match(choice.kind === 'refused' ? choice.problem : '', /such as 10\.70\.0\.0\/16/);
  });

for (const network of ['8.8.0.0/16', '172.15.0.0/16', '172.32.0.0/16', '127.0.0.0/16', '169.254.0.0/16'])
  test(`--network=${network} is refused: it would hide addresses of others`, () => {
    const choice = chooseNetwork(network, [], []);
    assert.match(choice.kind === 'refused' ? choice.problem : '', /private range: 10\.0\.0\.0\/8, /);
  });

for (const network of ['10.0.0.0/16', '172.16.0.0/16', '172.31.0.0/16', '192.168.0.0/16'])
  test(`--network=${network} is private`, () => assert.equal(choose([], network), network));

test('pods, Services and nodes do not overlap', () => {
  const plan = addressPlan('10.89.0.0/16');
  assert.deepEqual(plan.nodes, [
    { name: 'node-1', address: '10.89.0.11', pods: '10.89.65.0/24' },
    { name: 'node-2', address: '10.89.0.12', pods: '10.89.66.0/24' },
  ]);
  assert.deepEqual(
    [plan.host, plan.pods, plan.services, plan.apiService, plan.dnsService],
    ['10.89.0.1', '10.89.64.0/18', '10.89.128.0/18', '10.89.128.1', '10.89.128.10'],
  );
});
