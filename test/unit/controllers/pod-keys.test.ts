/** What one key of a pod with several services asks for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressBook } from '../../../src/controllers/address-book.ts';
import { askedFor } from '../../../src/controllers/node-addresses.ts';
import { isOf, keysOfPod, wantedOf } from '../../../src/controllers/pod-keys.ts';
import { createPodSnapshot } from '../../../src/controllers/pod-snapshot.ts';
import { podOf } from '../catalog/mesh/injected-pods.ts';

const NODE = 'k8s-c1-node-1';
const pod = podOf({
  annotations: { 'connect-service': 'web,admin', 'connect-service-port': '8080,9090' },
});

test('the key of one service wants its two instances of the pod, and leaves the others alone', async () => {
  const snapshot = createPodSnapshot({ owner: 'c1', namesFollowServices: false, podsLogIn: false });
  snapshot.podChanged(undefined, pod);
  const book = createAddressBook({ snapshot, holders: async () => [], loops: ['registrar'] });
  for (const [key, service] of keysOfPod(pod, NODE).map(
    (each, index) => [each, ['web', 'admin'][index]] as const,
  )) {
    const wanted = wantedOf([key]).get(NODE);
    assert.ok(isOf(wanted)(pod), key);
    const asked = { node: NODE, wanted, observed: { node: undefined, instances: [] } };
    const registrations = await askedFor(book.loop('registrar'), snapshot, asked, AbortSignal.abort());
    assert.deepEqual(
      registrations(pod).map(({ id }) => id),
      [`default.web-0.${service}`, `default.web-0.${service}-sidecar-proxy`],
    );
  }
});
