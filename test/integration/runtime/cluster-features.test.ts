/** What the webhook asks the API server at its start, over TLS as from inside a pod. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { readClusterFeatures, type ClusterFeatures } from '../../../src/runtime/cluster-features.ts';
import type { InCluster } from '../../../src/kubernetes/in-cluster.ts';
import { serviceAccountFolder } from '../service-account-folder.ts';

type Wanted = Parameters<typeof readClusterFeatures>[0];

const { folder: serviceAccount, pair } = await serviceAccountFolder();

type Read = { readonly features: ClusterFeatures; readonly warnings: readonly string[] };

async function read(wanted: Wanted, cluster: InCluster | undefined, patience?: number): Promise<Read> {
  const warnings: string[] = [];
  const log: Parameters<typeof readClusterFeatures>[2] = (level, message) => {
    if (level === 'warn') warnings.push(message);
  };
  return { features: await readClusterFeatures(wanted, cluster, log, patience), warnings };
}

async function readFrom(version: object, wanted: Wanted): Promise<Read> {
  const server = createServer({ cert: pair.certificate, key: pair.key }, (_request, response) =>
    response.end(JSON.stringify(version)),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const port = String((server.address() as AddressInfo).port);
    return await read(wanted, { host: '127.0.0.1', port, serviceAccount });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const AUTO: Wanted = { nativeSidecar: 'auto', drainSeconds: 3 };

for (const [minor, features] of [
  ['28', { nativeSidecar: false, lacksNativeSidecar: true, preStopSleep: false }],
  ['29+', { nativeSidecar: true, preStopSleep: false }],
  ['30', { nativeSidecar: true, preStopSleep: true }],
  ['34+', { nativeSidecar: true, preStopSleep: true }],
] as const) {
  test(`Kubernetes 1.${minor} has ${JSON.stringify(features)}`, async () => {
    assert.deepEqual(await readFrom({ major: '1', minor }, AUTO), { features, warnings: [] });
  });
}

test('--native-sidecar decides against the version, and the drain follows it', async () => {
  const { features } = await readFrom({ major: '1', minor: '29' }, { ...AUTO, nativeSidecar: 'off' });
  assert.deepEqual(features, { nativeSidecar: false, preStopSleep: false });
});

test('Kubernetes 1.28 has native sidecars where the operator has switched them on', async () => {
  const { features } = await readFrom({ major: '1', minor: '28' }, { ...AUTO, nativeSidecar: 'on' });
  assert.deepEqual(features, { nativeSidecar: true, preStopSleep: false });
});

test('a version that cannot be read turns both off, each with a line in the log', async () => {
  const { features, warnings } = await readFrom({}, AUTO);
  assert.deepEqual(features, { nativeSidecar: false, preStopSleep: false });
  assert.match(warnings.join('\n'), /^native sidecars are off, .*\npods get no drain, because .*$/);
});

test('an API server that does not answer yet is asked again, and one that never does is missed', async () => {
  let asked = 0;
  const server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    asked += 1;
    if (asked === 1) request.destroy();
    else if (asked === 2) response.writeHead(503).end();
    else response.end('{"major":"1","minor":"34"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cluster = { host: '127.0.0.1', port: String((server.address() as AddressInfo).port), serviceAccount };
  const known = { features: { nativeSidecar: true, preStopSleep: true }, warnings: [] };
  assert.deepEqual([await read(AUTO, cluster), asked], [known, 3]);
  server.closeAllConnections();
  server.close();
  const { warnings } = await read(AUTO, cluster, 0);
  assert.equal(warnings.length, 2);
});

test('only what was asked for is missed', async () => {
  const { features, warnings } = await readFrom({}, { nativeSidecar: 'on', drainSeconds: 0 });
  assert.deepEqual([features, warnings], [{ nativeSidecar: true, preStopSleep: false }, []]);
});

test('outside of a cluster both are on', async () => {
  assert.deepEqual(await read(AUTO, undefined), {
    features: { nativeSidecar: true, preStopSleep: true },
    warnings: [],
  });
});
