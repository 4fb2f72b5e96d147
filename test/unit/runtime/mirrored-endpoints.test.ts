/** Endpoints in files count as they would in a cluster, where the control plane makes slices of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createObjectSnapshot } from '../../../src/runtime/object-snapshot.ts';

const metadata = { name: 'outside', namespace: 'shop' };
const service = (spec: object = {}) => ({
  kind: 'Service',
  metadata,
  spec: { ports: [{ port: 443 }], ...spec },
});
const endpoints = (parts: object = {}, more: object = {}) => ({
  kind: 'Endpoints',
  metadata: { ...metadata, ...more },
  subsets: [{ addresses: [{ ip: '192.0.2.40' }], ports: [{ port: 443 }], ...parts }],
});

function addressesOf(objects: Parameters<ReturnType<typeof createObjectSnapshot>['replace']>[0]): string[] {
  const { snapshot, replace } = createObjectSnapshot();
  replace(objects);
  return snapshot
    .related('Service/shop/outside')
    .slices.flatMap((slice) =>
      slice.endpoints.map(
        ({ addresses, isReady, node }) =>
          `${addresses.join()}:${slice.ports[0]?.port} ${isReady ? 'ready' : 'not ready'} ${node ?? '-'}`,
      ),
    )
    .sort();
}

test('the Endpoints of a Service without a selector are its endpoints, by readiness and family', () => {
  const parts = {
    addresses: [{ ip: '192.0.2.40', nodeName: 'n1' }, { ip: 'fd00::1' }],
    notReadyAddresses: [{ ip: '192.0.2.41' }],
  };
  assert.deepEqual(addressesOf([endpoints(parts), service()]), [
    '192.0.2.40:443 ready n1',
    '192.0.2.41:443 not ready -',
    'fd00::1:443 ready -',
  ]);
});

const own = {
  kind: 'EndpointSlice',
  metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'outside' } },
  ports: [{ port: 1 }],
  endpoints: [{ addresses: ['10.0.0.1'] }],
};

for (const [what, objects, expected] of [
  ['a Service with a selector', [endpoints(), service({ selector: { app: 'x' } })], []],
  ['no Service', [endpoints()], []],
  ['slices beside them', [endpoints(), service(), own], ['10.0.0.1:1 ready -']],
  [
    'a label that says so',
    [endpoints({}, { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), service()],
    [],
  ],
  [
    'an election',
    [endpoints({}, { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }), service()],
    [],
  ],
  ['no subset', [{ kind: 'Endpoints', metadata }, service()], []],
] as const)
  test(`with ${what} Endpoints are left alone, as by Kubernetes`, () => {
    assert.deepEqual(addressesOf(objects), expected);
  });
