/** Two replicas and one Lease of a real API server, with no more rights than to get, create and update it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiClient } from '../../../src/kubernetes/api-client.ts';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import { elect, type Election } from '../../../src/kubernetes/election.ts';
import type { Term } from '../../../src/kubernetes/leader-term.ts';
import { property } from '../../../src/support/json.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startScene } from '../harness/scene.ts';
import { serviceAccountClient } from './service-account-client.ts';

const scene = await startScene(['kube-apiserver', 'etcd']);
const server = await startApiServer(scene);
const client = await serviceAccountClient(scene, server, 'candidate', 'namespace', [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
]);

const TIMES = { duration: 2000, renewDeadline: 1000, retry: 100 };

type Replica = {
  readonly election: Election;
  readonly started: Promise<Term>;
  /** As if the process were gone: no request gets out any more. */
  readonly kill: () => void;
};

function replica(name: string, identity: string): Replica {
  const started = Promise.withResolvers<Term>();
  let isKilled = false;
  const mortal: Pick<ApiClient, 'request'> = {
    request: (...call) => (isKilled ? new Promise(() => undefined) : client.request(...call)),
  };
  const election = elect({
    client: mortal,
    namespace: 'default',
    name,
    identity,
    times: TIMES,
    clock: systemClock,
    random: Math.random,
    onEvent: () => undefined,
    lead: (term) => {
      started.resolve(term);
      return new Promise((resolve) => term.signal.addEventListener('abort', () => resolve()));
    },
  });
  return {
    election,
    started: started.promise,
    kill: () => {
      isKilled = true;
    },
  };
}

const holder = async (name: string): Promise<unknown> =>
  property(
    (await server.admin.expect('GET', `/apis/coordination.k8s.io/v1/namespaces/default/leases/${name}`))[
      'spec'
    ],
    'holderIdentity',
  );

test('when the leader is killed, another follows, after the first has stopped', async () => {
  const first = replica('killed', 'first');
  const term = await first.started;
  const second = replica('killed', 'second');
  first.kill();
  await second.started;
  assert.deepEqual(
    [term.isHeld(), term.signal.aborted, second.election.isLeader(), await holder('killed')],
    [false, true, true, 'second'],
  );
  await second.election.stop();
});

test('after a clean stop the Lease is free', async () => {
  const first = replica('released', 'first');
  await first.started;
  await first.election.stop();
  assert.equal(await holder('released'), '');
  const second = replica('released', 'second');
  await second.started;
  assert.equal(await holder('released'), 'second');
  await second.election.stop();
});

test('of ten that start together one leads', async () => {
  const all = Array.from({ length: 10 }, (_, index) => replica('crowd', `replica-${index}`));
  await Promise.race(all.map(({ started }) => started));
  assert.equal(all.filter(({ election }) => election.isLeader()).length, 1);
  await Promise.all(all.map(({ election }) => election.stop()));
  assert.equal(await holder('crowd'), '');
});
