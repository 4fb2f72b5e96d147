/** Pods are created while certificates and CAs with lives of seconds come and go: none is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEASE_TIMES } from '../../../src/kubernetes/election.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startScene } from '../harness/scene.ts';
import { startReplicas } from './replicas.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);

// A CA is due after 30 s, when what is served has at least 7.5 s left: 1 s to settle, and room for a machine that is busy for six.
const TIMES = { caLife: 45_000, servingLife: 22_500, settle: 1000 };

const PODS = 100;
// What was served before the first is of no use after the second: its CA has left.
const ROTATIONS = 2;

test(`${PODS} creations during ${ROTATIONS} rotations of the CA`, async (context) => {
  const replicas = await startReplicas(scene, api, {
    name: 'rotation',
    times: TIMES,
    leaseTimes: LEASE_TIMES,
    skews: [0, 0],
  });
  const before = replicas.steps('new-ca');
  const storm = replicas.storm();
  while (storm.created() < PODS || replicas.steps('new-ca') - before < ROTATIONS)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const refused = await storm.end();
  context.diagnostic(
    `${storm.created()} created, ${refused.length} refused, ${replicas.steps('new-ca') - before} CAs, ${replicas.steps('issue')} certificates`,
  );
  assert.deepEqual(refused, []);
});
