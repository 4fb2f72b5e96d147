/** `tandem webhook` as a process, and deploy/manifests applied the way their README says. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { partPath } from '../parts.ts';
import { JSON_PATCH, type KubernetesObject } from './api-client.ts';
import type { ApiServer } from './api-server.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';

export const ROOT = join(import.meta.dirname, '../../..');
const BINARY = join(ROOT, 'bin/tandem.js');
const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tandem-webhook';

export type Webhook = {
  readonly process: () => RunningProcess;
  readonly restart: () => Promise<void>;
  /** What the process counted, by `result/reason`. */
  readonly admissions: () => Promise<ReadonlyMap<string, number>>;
};

export async function runKubectl(
  api: ApiServer,
  args: readonly string[],
  kubeconfig = api.kubeconfig(),
): Promise<string> {
  const { stdout } = await promisify(execFile)(partPath('kubectl'), [`--kubeconfig=${kubeconfig}`, ...args], {
    cwd: ROOT,
    // Its cache of discovery must not outlive the API server.
    env: { PATH: process.env['PATH'], HOME: join(kubeconfig, '..') },
  });
  return stdout;
}

/**
 * The manifests as they are, with one difference: the API server has no network of Services, so it calls the webhook by
 * URL. `flags` are further ones of `tandem webhook`.
 */
export async function startWebhook(
  scene: Scene,
  api: ApiServer,
  flags: readonly string[] = [],
): Promise<Webhook> {
  const [port = 0, status = 0] = await freePorts(2);
  const certs = join(scene.folder, `webhook-${port}`);
  mkdirSync(certs, { mode: 0o700 });
  await promisify(execFile)(process.execPath, [BINARY, 'certs', `--dir=${certs}`, '--hosts=127.0.0.1']);

  const start = (): Promise<RunningProcess> =>
    scene.start({
      name: 'tandem webhook',
      command: process.execPath,
      args: [
        BINARY,
        'webhook',
        `--listen=127.0.0.1:${port}`,
        `--status-listen=127.0.0.1:${status}`,
        `--tls-cert-file=${certs}/tls.crt`,
        `--tls-key-file=${certs}/tls.key`,
        '--own-namespace=tandem',
        ...flags,
      ],
      ready: async () => (await fetch(`http://127.0.0.1:${status}/health/ready`)).ok,
    });
  let current = await start();
  await applyManifests(api, port, readFileSync(join(certs, 'ca.crt')));
  return {
    process: () => current,
    restart: async () => {
      current = await start();
    },
    admissions: async () => countsOf(await (await fetch(`http://127.0.0.1:${status}/metrics`)).text()),
  };
}

async function applyManifests(api: ApiServer, port: number, ca: Buffer): Promise<void> {
  await runKubectl(api, ['apply', '-k', 'deploy/manifests']);
  await api.createNamespace('probe');
  const configuration = (await api.admin.expect('GET', CONFIGURATION)) as KubernetesObject & {
    readonly webhooks: readonly { readonly clientConfig: { readonly service: { readonly path: string } } }[];
  };
  const patch = configuration.webhooks.map(({ clientConfig }, index) => ({
    op: 'replace',
    path: `/webhooks/${index}/clientConfig`,
    value: { url: `https://127.0.0.1:${port}${clientConfig.service.path}`, caBundle: ca.toString('base64') },
  }));
  await api.admin.expect('PATCH', CONFIGURATION, patch, JSON_PATCH);
  await eventually('the API server calls the webhook', async () => {
    const pod = {
      metadata: { name: 'probe', annotations: { 'consul.hashicorp.com/connect-inject': 'perhaps' } },
      spec: { containers: [{ name: 'probe', image: 'example/probe' }] },
    };
    const { status } = await api.admin.request('POST', '/api/v1/namespaces/probe/pods?dryRun=All', pod);
    if (status !== 422) throw new Error(`status ${status} for a pod that is to be denied`);
  });
}

function countsOf(metrics: string): ReadonlyMap<string, number> {
  const line =
    /^tandem_admissions_total\{result="(?<result>[^"]*)",reason="(?<reason>[^"]*)"\} (?<count>\d+)$/gm;
  return new Map(
    [...metrics.matchAll(line)].map(({ groups = {} }) => [
      `${groups['result']}/${groups['reason']}`,
      Number(groups['count']),
    ]),
  );
}
