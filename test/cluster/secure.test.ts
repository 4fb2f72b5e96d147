/** A secure Consul by one value: nothing is open, and pods log in, reach what intentions allow, and nothing else. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { eventually } from '../real/harness/eventually.ts';
import { appPod, createDeployment, createPod, putApps } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { testOn } from './harness/evidence.ts';
import { makeNamespace, RESTRICTED } from './harness/namespaces.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { createRelay } from './harness/relay.ts';
import { installRelease, RELEASE, secondsSince } from './harness/release.ts';

const APPS = 'secured';
const TO_WEB = 1234;
const WEB = `http://127.0.0.1:${TO_WEB}/`;
const cluster = await openCluster();
const { api, kubectl } = cluster;
const release = await installRelease(cluster, {
  global: { secure: true },
  server: { affinity: 'preferred' },
});
after(() => release.uninstall([APPS]));
await makeNamespace(cluster, APPS, RESTRICTED);
await putApps(cluster, APPS);
for (const name of ['web', 'client'])
  await api.expect('POST', `/api/v1/namespaces/${APPS}/serviceaccounts`, { metadata: { name } });
const test = testOn(cluster, [RELEASE, APPS]);

/** The answer of Consul with its status, on the loopback of a server, where plain HTTP still listens. */
function consul(path: string, ...options: readonly string[]): Promise<string> {
  const curl = ['curl', '-s', '-w', ' %{http_code}', ...options, `http://127.0.0.1:8500${path}`];
  return kubectl([
    'exec',
    `--namespace=${RELEASE}`,
    `${RELEASE}-server-0`,
    '--container=consul',
    '--',
    ...curl,
  ]);
}

async function bootstrapToken(): Promise<string> {
  const path = `/api/v1/namespaces/${RELEASE}/secrets/${RELEASE}-bootstrap-acl-token`;
  const { data } = (await api.expect('GET', path)) as unknown as {
    readonly data: { readonly token: string };
  };
  return Buffer.from(data.token, 'base64').toString();
}

test('all is Ready, helm test passes, and whoever has no token reads nothing', async (context) => {
  context.diagnostic(`secure: all Ready ${release.seconds} s after helm install`);
  assert.equal(await consul('/v1/catalog/services'), '{} 200');
  assert.match(await consul('/v1/acl/tokens'), / 403$/);
  context.diagnostic(`secure: helm test took ${await release.test()} s`);
});

test('pods log in as their ServiceAccounts, and reach each other as intentions allow it', async (context) => {
  const from = performance.now();
  await createDeployment(cluster, APPS, 'web', {
    app: 'web-server.ts',
    args: ['web', '8080'],
    port: 8080,
    serviceAccountName: 'web',
    replicas: 2,
    annotations: {},
  });
  const upstreams = { 'connect-service-upstreams': `web:${TO_WEB}` };
  const client = await createRelay(cluster, APPS, 'client', upstreams, 'client');
  await podsReady(cluster, APPS, ['client']);
  await allReady(cluster, APPS);
  await assert.rejects(client.get(WEB));
  const intention = {
    Kind: 'service-intentions',
    Name: 'web',
    Sources: [{ Name: 'client', Action: 'allow' }],
  };
  const header = `X-Consul-Token: ${await bootstrapToken()}`;
  const put = ['-X', 'PUT', '-H', header, '-d', JSON.stringify(intention)];
  assert.equal(await consul('/v1/config', ...put), 'true 200');
  await eventually('an answer of web', async () => assert.match(await client.get(WEB), /web/));
  const seconds = Math.round((release.seconds + secondsSince(from)) * 10) / 10;
  context.diagnostic(
    `secure: traffic in the mesh ${seconds} s after helm install, without the tests between`,
  );
});

test('a pod of the account default is not let in', async () => {
  await createPod(cluster, APPS, appPod(cluster, 'nobody', { app: 'relay.ts', port: 8080, annotations: {} }));
  await eventually('its init container says why', async () => {
    const log = await kubectl([
      'logs',
      `--namespace=${APPS}`,
      'nobody',
      '--container=consul-connect-inject-init',
    ]);
    assert.match(log, /could not log in to Consul at https:.* by auth method tandem-tandem-k8s-auth-method/);
  });
});
