import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentState, planAgent } from '../../../../src/catalog/mesh/agent-plan.ts';
import { checkEntry, serviceEntry } from '../../../../src/model/consul-entries.ts';
import { mapAt } from '../../../../src/model/decode-consul.ts';
import { podOf, READY, CLUSTER } from './injected-pods.ts';

const service = (id: string, uid: string, owner?: string, kind?: string): object => ({
  ID: id,
  Service: 'web',
  ...(kind === undefined ? {} : { Kind: kind }),
  Meta: {
    'managed-by': 'tandem',
    'external-source': 'kubernetes',
    'pod-uid': uid,
    ...(owner === undefined ? {} : { 'tandem-owner': owner }),
  },
});

const check = (status: string, output: string): object => ({
  Node: 'node-1',
  CheckID: 'default.web-0.web-readiness',
  Status: status,
  Output: output,
});
const never = (): boolean => false;
const pod = podOf({ flags: [], uid: 'u1' });

function plan(
  services: Readonly<Record<string, unknown>>,
  isEnded: (uid: string) => boolean = never,
  checks: object = {},
  pods = [pod],
): readonly (readonly string[])[] {
  const state = agentState(mapAt(services, 'services', serviceEntry), mapAt(checks, 'checks', checkEntry));
  const found = planAgent(pods, state, CLUSTER, isEnded, (_pod, proxy) => proxy.virtual);
  return [
    found.deregister.map(({ id }) => id),
    found.strangers.map(({ id }) => id),
    found.checks.map(({ check: { id, status }, isNew }) => `${isNew ? 'new' : 'set'} ${id} ${status}`),
  ];
}

test('only what a pod of this cluster registered is looked at', () => {
  const others = {
    a: { ID: 'a', Service: 'web', Meta: null },
    b: { ID: 'b', Service: 'web', Meta: { 'managed-by': 'tandem', 'pod-uid': 'x', 'tandem-owner': 'c1' } },
    c: service('c', 'x', 'c2'),
    d: service('d', 'x'),
  };
  assert.deepEqual(plan(others), [[], [], []]);
});

test('by UID, not by name: what ended goes, what replaced it stays', () => {
  const services = { new: service('default.web-0.web', 'u1', 'c1'), old: service('old', 'u0') };
  assert.deepEqual(plan(services, (uid) => uid === 'u0')[0], ['old']);
  // Its end was announced, as of every pod that terminates, and it still is there.
  assert.deepEqual(plan({ new: service('default.web-0.web', 'u1', 'c1') }, () => true)[0], []);
});

test('of our owner and of no known pod: a stranger, for a second look', () => {
  assert.deepEqual(plan({ a: service('a', 'u9', 'c1') }).slice(0, 2), [[], ['a']]);
});

test('a finished or lost pod is not there', () => {
  for (const status of [
    { ...READY, phase: 'Succeeded' },
    { ...READY, reason: 'NodeLost' },
  ]) {
    const gone = podOf({ flags: [], uid: 'u1', status });
    assert.deepEqual(plan({ a: service('a', 'u1') }, (uid) => uid === 'u1', {}, [gone])[0], ['a']);
  }
});

test('readiness goes to a check of the service, and only what differs', () => {
  const services = {
    a: service('default.web-0.web', 'u1', 'c1'),
    b: service('default.web-0.web-sidecar-proxy', 'u1', 'c1', 'connect-proxy'),
  };
  const checks = (status: string, output: string): object => ({
    'default.web-0.web-readiness': check(status, output),
  });
  assert.deepEqual(plan(services)[2], ['new default.web-0.web-readiness passing']);
  assert.deepEqual(plan(services, never, checks('critical', ''))[2], [
    'set default.web-0.web-readiness passing',
  ]);
  assert.deepEqual(plan(services, never, checks('passing', 'the pod is ready'))[2], []);
});
