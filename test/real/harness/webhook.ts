/** The real `tandem webhook`, and its configuration in the API server as the manifest writes it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { nodeOptions } from '../../../deploy/image/image.ts';
import type { ApiServer } from './api-server.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';
import { TANDEM } from './tandem-program.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MANIFEST = join(ROOT, 'deploy/manifests/webhook-configuration.yaml');

type Configuration = {
  readonly metadata: object;
  readonly webhooks: readonly {
    readonly clientConfig: { readonly service: { readonly path: string } };
    readonly namespaceSelector: { readonly matchExpressions: readonly object[] };
  }[];
};

/** Injects into the pods of this namespace, which must be there, and of no other: a scene can have several. */
export async function startWebhook(
  scene: Scene,
  api: ApiServer,
  namespace: string,
  flags: readonly string[] = [],
): Promise<RunningProcess> {
  const [port = 0, status = 0] = await freePorts(2);
  const certificates = join(scene.folder, `webhook-${port}`);
  const webhook = await scene.start({
    name: `tandem webhook of ${namespace}`,
    command: process.execPath,
    // With the heap of the image: what ends it there ends it here.
    environment: { NODE_OPTIONS: nodeOptions.join(' ') },
    args: [
      TANDEM,
      'webhook',
      '--tls-auto',
      `--tls-auto-dir=${certificates}`,
      `--listen=127.0.0.1:${port}`,
      `--status-listen=127.0.0.1:${status}`,
      '--native-sidecar=on',
      ...flags,
    ],
    ready: async () => (await fetch(`http://127.0.0.1:${status}/health/ready`)).ok,
  });
  const ca = readFileSync(join(certificates, 'ca.crt'));
  const configuration = onLoopback(`https://127.0.0.1:${port}`, ca, namespace);
  await api.admin.expect(
    'POST',
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    configuration,
  );
  await injecting(api, namespace);
  return webhook;
}

function onLoopback(url: string, ca: Buffer, namespace: string): object {
  const manifest = parse(readFileSync(MANIFEST, 'utf8')) as Configuration;
  const only = { key: 'kubernetes.io/metadata.name', operator: 'In', values: [namespace] };
  return {
    ...manifest,
    metadata: { ...manifest.metadata, name: `tandem-webhook-${namespace}` },
    webhooks: manifest.webhooks.map(({ clientConfig, namespaceSelector, ...webhook }) => ({
      ...webhook,
      clientConfig: { url: `${url}${clientConfig.service.path}`, caBundle: ca.toString('base64') },
      namespaceSelector: { matchExpressions: [...namespaceSelector.matchExpressions, only] },
    })),
  };
}

/** The API server learns of the configuration by a watch of its own. */
async function injecting(api: ApiServer, namespace: string): Promise<void> {
  // Restricted, so that no Pod Security profile of the namespace keeps it away from the webhook.
  const securityContext = {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const pod = {
    metadata: { name: 'probe', annotations: { 'consul.hashicorp.com/connect-inject': 'true' } },
    spec: { containers: [{ name: 'probe', image: 'example/probe', securityContext }] },
  };
  await eventually(`injection into namespace ${namespace}`, async () => {
    const created = await api.admin.expect('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
    if (created.metadata.labels?.['consul.hashicorp.com/connect-inject-status'] !== 'injected')
      throw new Error('the API server does not call the webhook yet');
  });
}
