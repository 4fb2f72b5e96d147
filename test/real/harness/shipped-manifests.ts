/** `tandem webhook` as a process, and deploy/manifests applied as their README says. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { partPath } from '../parts.ts';
import { JSON_PATCH, type KubernetesObject } from './api-client.ts';
import type { ApiServer } from './api-server.ts';
import { childEnvironment } from './child-environment.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';
import { TANDEM } from './tandem-program.ts';

export const ROOT = join(import.meta.dirname, '../../..');
export const CONFIGURATION =
  '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tandem-webhook';

export type Webhook = {
  readonly process: () => RunningProcess;
  /** @param more flags, beside those that it has */
  readonly restart: (more?: readonly string[]) => Promise<void>;
  readonly isReady: () => Promise<boolean>;
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
    env: childEnvironment({ HOME: join(kubeconfig, '..') }),
  });
  return stdout;
}

/**
 * The manifests as they are, with one difference: the API server has no network of Services, so it calls the webhook by
 * URL. The process has the arguments of the Deployment and the rights of its account; `flags` are further ones.
 */
export async function startWebhook(
  scene: Scene,
  api: ApiServer,
  flags: readonly string[] = [],
): Promise<Webhook> {
  const [port = 0, status = 0] = await freePorts(2);
  await applyManifests(api, port);
  const token = await api.serviceAccountToken('tandem', 'tandem-webhook');
  const start = (more: readonly string[] = []): Promise<RunningProcess> =>
    startReplica(scene, { port, status, kubeconfig: api.kubeconfig({ token }), flags: [...flags, ...more] });
  let current = await start();
  await called(api);
  return {
    process: () => current,
    restart: async (more) => {
      current = await start(more);
    },
    isReady: () => isReady(status),
    admissions: async () => countsOf(await (await fetch(`http://127.0.0.1:${status}/metrics`)).text()),
  };
}

export type ReplicaSpec = {
  readonly port: number;
  readonly status: number;
  readonly kubeconfig: string;
  /** Those of deploy/manifests unless given; without a delay of the end. */
  readonly deployment?: readonly string[];
  readonly flags?: readonly string[];
};

/** One more process of the Deployment. */
export function startReplica(
  scene: Scene,
  { port, status, kubeconfig, deployment = deploymentArguments(), flags = [] }: ReplicaSpec,
): Promise<RunningProcess> {
  return scene.start({
    name: `tandem webhook on ${port}`,
    command: process.execPath,
    args: [
      TANDEM,
      ...deployment,
      '--shutdown-delay=0',
      `--listen=127.0.0.1:${port}`,
      `--status-listen=127.0.0.1:${status}`,
      `--kubeconfig=${kubeconfig}`,
      '--own-namespace=tandem',
      ...flags,
    ],
    ready: () => isReady(status),
  });
}

async function isReady(status: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${status}/health/ready`)).ok;
}

function deploymentArguments(): readonly string[] {
  const deployment: unknown = parse(readFileSync(join(ROOT, 'deploy/manifests/deployment.yaml'), 'utf8'));
  const { spec } = deployment as {
    readonly spec: {
      readonly template: { readonly spec: { readonly containers: readonly { readonly args: string[] }[] } };
    };
  };
  return (spec.template.spec.containers[0]?.args ?? []).filter(
    (flag) => !flag.startsWith('--shutdown-delay'),
  );
}

/** The API server calls the webhook on this port of loopback. */
export async function applyManifests(api: ApiServer, port: number): Promise<void> {
  await runKubectl(api, ['apply', '-k', 'deploy/manifests']);
  const configuration = (await api.admin.expect('GET', CONFIGURATION)) as KubernetesObject & {
    readonly webhooks: readonly { readonly clientConfig: { readonly service: { readonly path: string } } }[];
  };
  const patch = configuration.webhooks.map(({ clientConfig }, index) => ({
    op: 'replace',
    path: `/webhooks/${index}/clientConfig`,
    value: { url: `https://127.0.0.1:${port}${clientConfig.service.path}` },
  }));
  await api.admin.expect('PATCH', CONFIGURATION, patch, JSON_PATCH);
}

async function called(api: ApiServer): Promise<void> {
  await api.createNamespace('probe');
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
