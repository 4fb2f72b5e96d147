/** Two replicas behind one address, the API server that calls them, and pods that are created all the while. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { parse } from 'yaml';
import type { RotationTimes } from '../../../src/certificates/next-step.ts';
import type { LeaseTimes } from '../../../src/kubernetes/election.ts';
import type { ApiServer } from '../harness/api-server.ts';
import { startBalancer } from '../harness/balancer.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningProcess } from '../harness/processes.ts';
import type { Scene } from '../harness/scene.ts';
import { ROOT } from '../harness/shipped-manifests.ts';
import type { ReplicaOptions } from './replica.ts';

export type Replicas = {
  readonly processes: () => readonly RunningProcess[];
  /** The one that holds the Lease. */
  readonly leader: () => Promise<RunningProcess>;
  /** Kills one at once; its connections with it, so no new ones go there. */
  readonly kill: (replica: RunningProcess) => Promise<void>;
  readonly add: (skew?: number) => Promise<RunningProcess>;
  /** The SHA-256 fingerprint of the certificate that each serves. */
  readonly served: () => Promise<readonly string[]>;
  /** How often a step was taken, by all of them. */
  readonly steps: (kind: string) => number;
  /** Creates pods until told to end; resolves with the answers of those that were refused. */
  readonly storm: () => Storm;
  readonly secretPath: string;
  readonly configurationPath: string;
};

export type Storm = {
  readonly created: () => number;
  /** One is under way at once, and the next ones follow soon; the answer tells how many have been under way since. */
  readonly hurry: () => () => number;
  readonly end: () => Promise<readonly string[]>;
};

export type ReplicasOptions = {
  readonly name: string;
  readonly times: RotationTimes;
  readonly leaseTimes: LeaseTimes;
  readonly skews: readonly number[];
};

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
// Two creations a second and more, each with a handshake: a refusal that lasts half a second is seen.
const PAUSE_MILLISECONDS = 400;
// What is repaired within a tenth of a second is seen as well: the pauses begin with this one and double.
const FIRST_PAUSE_MILLISECONDS = 10;

export async function startReplicas(
  scene: Scene,
  api: ApiServer,
  { name, times, leaseTimes, skews }: ReplicasOptions,
): Promise<Replicas> {
  const balancer = await startBalancer(scene);
  await api.createNamespace(name);
  await api.admin.expect('POST', CONFIGURATIONS, configuration(name, balancer.port));
  const running = new Map<RunningProcess, number>();
  const all: RunningProcess[] = [];
  const aim = (): void => balancer.target([...running.values()]);
  const add = async (skew = 0): Promise<RunningProcess> => {
    const options: ReplicaOptions = { kubeconfig: api.kubeconfig(), name, times, leaseTimes, skew };
    const { process: started, port, status } = await startReplica(scene, options);
    all.push(started);
    await eventually('the replica is ready', async () => {
      const answer = await fetch(`http://127.0.0.1:${status}/health/ready`);
      if (!answer.ok) throw new Error(await answer.text());
    });
    running.set(started, port);
    aim();
    return started;
  };
  await Promise.all(skews.map(add));
  const lease = `/apis/coordination.k8s.io/v1/namespaces/default/leases/${name}`;

  const create = async (): Promise<string | undefined> => {
    const { status, body } = await api.admin.request('POST', `/api/v1/namespaces/${name}/pods`, POD);
    const metadata = (body as { metadata?: { annotations?: Record<string, string> } }).metadata;
    const isInjected = metadata?.annotations?.['consul.hashicorp.com/connect-inject-status'] === 'injected';
    return status === 201 && isInjected ? undefined : `${Date.now()} ${status} ${JSON.stringify(body)}`;
  };
  await eventually('the API server calls the webhook', async () => {
    const refusal = await create();
    if (refusal !== undefined) throw new Error(refusal);
  });
  return {
    processes: () => [...running.keys()],
    leader: async () => {
      const { spec } = (await api.admin.expect('GET', lease)) as unknown as {
        spec: { holderIdentity: string };
      };
      const found = all.find(({ pid }) => spec.holderIdentity === `replica-${pid}`);
      if (found === undefined) throw new Error(`nobody is ${spec.holderIdentity}`);
      return found;
    },
    kill: async (replica) => {
      running.delete(replica);
      aim();
      await replica.stop('SIGKILL');
    },
    add,
    served: () => Promise.all([...running.values()].map(servedAt)),
    steps: (kind) => all.reduce((sum, each) => sum + stepsOf(each, kind), 0),
    storm: () => {
      let [created, begun, pause] = [0, 0, PAUSE_MILLISECONDS];
      let wake = (): void => undefined;
      const ending = new AbortController();
      const refused: string[] = [];
      const storm = async (): Promise<void> => {
        while (!ending.signal.aborted) {
          begun += 1;
          const refusal = await create();
          if (refusal === undefined) created += 1;
          else refused.push(refusal);
          await new Promise<void>((resolve) => {
            wake = resolve;
            setTimeout(resolve, pause);
          });
          pause = Math.min(pause * 2, PAUSE_MILLISECONDS);
        }
      };
      const creating = storm();
      return {
        created: () => created,
        hurry: () => {
          const ended = created + refused.length;
          pause = FIRST_PAUSE_MILLISECONDS;
          wake();
          return () => begun - ended;
        },
        end: async () => {
          ending.abort();
          await creating;
          return refused;
        },
      };
    },
    secretPath: `/api/v1/namespaces/default/secrets/${name}`,
    configurationPath: `${CONFIGURATIONS}/${name}`,
  };
}

/** It has a certificate when there is a webhook configuration of its name. */
export async function startReplica(
  scene: Scene,
  options: ReplicaOptions,
): Promise<{ readonly process: RunningProcess; readonly port: number; readonly status: number }> {
  const started = await scene.start({
    name: `replica of ${options.name}`,
    command: process.execPath,
    args: [join(import.meta.dirname, 'replica.ts'), JSON.stringify(options)],
  });
  const addresses = await eventually('the replica listens', async () => addressesOf(started));
  return { process: started, ...addresses };
}

/** How often it took the step. */
export function stepsOf(replica: RunningProcess, kind: string): number {
  return replica.log().split(`"step":"${kind}"`).length - 1;
}

async function servedAt(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate()?.fingerprint256 ?? '';
  } finally {
    socket.destroy();
  }
}

const POD = {
  metadata: { generateName: 'pod-', annotations: { 'consul.hashicorp.com/connect-inject': 'true' } },
  spec: { containers: [{ name: 'web', image: 'example/web' }] },
};

/** As it ships, for the pods of this namespace alone. */
function configuration(name: string, port: number): object {
  const text = readFileSync(join(ROOT, 'deploy/manifests/webhook-configuration.yaml'), 'utf8');
  const { webhooks, ...manifest } = parse(text) as {
    webhooks: { clientConfig: { service: { path: string } } }[];
  };
  const key = 'kubernetes.io/metadata.name';
  return {
    ...manifest,
    metadata: { name },
    webhooks: webhooks.map(({ clientConfig, ...webhook }) => ({
      ...webhook,
      clientConfig: { url: `https://127.0.0.1:${port}${clientConfig.service.path}` },
      namespaceSelector: { matchExpressions: [{ key, operator: 'In', values: [name] }] },
    })),
  };
}

function addressesOf(replica: RunningProcess): { readonly port: number; readonly status: number } {
  const line = replica
    .log()
    .split('\n')
    .find((each) => each.includes('"port"'));
  return JSON.parse(line ?? '') as { port: number; status: number };
}
