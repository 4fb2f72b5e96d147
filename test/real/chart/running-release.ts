/**
 * A release as it would run: its objects are in the real API server, and the pods of its Deployments and of `helm test`
 * are processes with the rights of their accounts.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Status } from '../../../src/status-page/status.ts';
import { JSON_PATCH, type KubernetesObject } from '../harness/api-client.ts';
import { startApiServer, type ApiServer } from '../harness/api-server.ts';
import { at, renderChart, type Rendered } from '../harness/chart.ts';
import { startConsul, type Consul } from '../harness/consul.ts';
import type { Image } from '../harness/containers.ts';
import { eventually } from '../harness/eventually.ts';
import { runPod, type RunningPod } from '../harness/kubelet.ts';
import { freePorts } from '../harness/ports.ts';
import type { Scene } from '../harness/scene.ts';
import { ROOT } from '../harness/shipped-manifests.ts';
import { TANDEM } from '../harness/tandem-program.ts';
import { applier, componentOf, partsOf } from './apply-objects.ts';

const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tandem-webhook';

export type Release = {
  readonly api: ApiServer;
  readonly consul: Consul;
  /** JSON of `/status` of the sync. */
  readonly status: () => Promise<Status>;
  /** A pod of `helm test`, as a kubelet runs it. */
  readonly runTest: (name: string) => Promise<RunningPod>;
  readonly removeWebhook: () => Promise<unknown>;
};

/**
 * The webhook and the sync with these values beside those of where Consul is. Its token has the policies of
 * docs/install.md that begin with these comments, and no others.
 */
export async function startRelease(
  scene: Scene,
  policies: readonly string[],
  values: Values,
): Promise<Release> {
  const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { acls: true })]);
  const [https = 0, webhookStatus = 0, syncStatus = 0] = await freePorts(3);
  const chart = await renderChart({
    ...values,
    global: { enabled: false, owner: 'east', ...values.global },
    externalServers: { enabled: true, hosts: ['127.0.0.1'], httpPort: consul.ports.http },
    connectInject: { enabled: true, certs: { secretName: 'tandem-webhook-tls' }, ...values.connectInject },
    syncCatalog: { enabled: true, aclSyncToken: { secretName: 'consul-token' }, ...values.syncCatalog },
  });
  await api.createNamespace('tandem', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  await api.createNamespace('from-consul');
  // The controller manager would make it.
  await api.admin.expect('POST', '/api/v1/namespaces/default/serviceaccounts', {
    metadata: { name: 'default' },
  });
  const ca = await makeSecrets(scene, api, await tokenOf(consul, policies));
  const apply = applier(api.admin);
  await apply(chart.objects.filter((object) => componentOf(object) !== 'test'));
  await webhookOnLoopback(api, chart, https, ca);
  const kubeconfigOf = async (account: string): Promise<string> =>
    api.kubeconfig({ token: await api.serviceAccountToken('tandem', account) });
  await Promise.all([
    runWorkload(
      scene,
      api,
      chart.one('Deployment', 'tandem-webhook'),
      { TANDEM_LISTEN: `127.0.0.1:${https}`, KUBECONFIG: await kubeconfigOf('tandem-webhook') },
      webhookStatus,
    ),
    runWorkload(
      scene,
      api,
      chart.one('Deployment', 'tandem-sync'),
      { TANDEM_KUBECONFIG: await kubeconfigOf('tandem-sync') },
      syncStatus,
    ),
  ]);
  await apply(partsOf(chart, 'test'));
  return {
    api,
    consul,
    status: async () => (await (await fetch(`http://127.0.0.1:${syncStatus}/status`)).json()) as Status,
    runTest: async (name) => {
      const created = await api.admin.expect('GET', `/api/v1/namespaces/tandem/pods/${name}`);
      const { hostname, port } = new URL(api.url);
      const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
      const tandem: Image = { programs: { node: [process.execPath] }, environment };
      return runPod(scene, api, created, { tandem });
    },
    removeWebhook: () => api.admin.expect('DELETE', WEBHOOKS),
  };
}

type Values = {
  readonly global?: object;
  readonly connectInject?: object;
  readonly syncCatalog?: object;
  readonly registrar?: object;
};

async function tokenOf(consul: Consul, policies: readonly string[]): Promise<string> {
  const text = readFileSync(join(ROOT, 'docs/install.md'), 'utf8');
  const blocks = text.match(/(?<=```hcl\n)[^`]*(?=```)/g) ?? [];
  const Rules = policies
    .map((policy) => {
      const rules = blocks.find((block) => block.startsWith(`# ${policy}`));
      assert.ok(rules, `docs/install.md has no policy of ${policy}`);
      return rules;
    })
    .join('');
  await consul.call('PUT', '/v1/acl/policy', { Name: 'sync', Rules });
  const created = await consul.call('PUT', '/v1/acl/token', { Policies: [{ Name: 'sync' }] });
  return String(at(created, 'SecretID'));
}

/** Gives the CA of the certificate of the webhook. */
async function makeSecrets(scene: Scene, api: ApiServer, token: string): Promise<Buffer> {
  const certs = join(scene.folder, 'certs');
  await promisify(execFile)(process.execPath, [TANDEM, 'certs', `--dir=${certs}`, '--hosts=127.0.0.1']);
  const read = (name: string): string => readFileSync(join(certs, name), 'utf8');
  const secrets = {
    'tandem-webhook-tls': { 'tls.crt': read('tls.crt'), 'tls.key': read('tls.key') },
    'consul-token': { token },
  };
  for (const [name, stringData] of Object.entries(secrets))
    await api.admin.expect('POST', '/api/v1/namespaces/tandem/secrets', { metadata: { name }, stringData });
  return readFileSync(join(certs, 'ca.crt'));
}

/** The API server has no network of Services. */
async function webhookOnLoopback(api: ApiServer, chart: Rendered, port: number, ca: Buffer): Promise<void> {
  const configuration = chart.one('MutatingWebhookConfiguration', 'tandem-webhook');
  const patch = (configuration['webhooks'] as readonly object[]).map((webhook, index) => ({
    op: 'replace',
    path: `/webhooks/${index}/clientConfig`,
    value: {
      url: `https://127.0.0.1:${port}${String(at(webhook, 'clientConfig', 'service', 'path'))}`,
      caBundle: ca.toString('base64'),
    },
  }));
  await api.admin.expect('PATCH', WEBHOOKS, patch, JSON_PATCH);
}

/** A pod of the Deployment, and the wait for its readiness. */
async function runWorkload(
  scene: Scene,
  api: ApiServer,
  deployment: KubernetesObject,
  variables: Readonly<Record<string, string>>,
  port: number,
): Promise<void> {
  const name = deployment.metadata.name ?? '';
  const template = at(deployment, 'spec', 'template') as KubernetesObject;
  const image: Image = {
    entrypoint: [process.execPath, TANDEM],
    environment: { ...variables, TANDEM_STATUS_LISTEN: `127.0.0.1:${port}` },
  };
  const spec = template['spec'] as { readonly containers: readonly object[] };
  // It listens elsewhere than its probes ask.
  const containers = spec.containers.map((container) => ({ ...container, startupProbe: undefined }));
  const created = await api.admin.expect('POST', '/api/v1/namespaces/tandem/pods', {
    metadata: { ...template.metadata, generateName: `${name}-` },
    spec: { ...spec, containers },
  });
  await runPod(scene, api, created, { tandem: image });
  await eventually(`${name} is ready`, async () => {
    assert.equal((await fetch(`http://127.0.0.1:${port}/health/ready`)).status, 200);
  });
}
