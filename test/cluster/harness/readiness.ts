/** Waits for a cluster to come up. What does not come in time is told with what its daemons say. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../real/harness/api-client.ts';
import type { ClusterNode } from './node.ts';

const POLL_MILLISECONDS = 100;
const NODE_MILLISECONDS = 60_000;
const DNS_MILLISECONDS = 60_000;

type Condition = { readonly type: string; readonly status: string; readonly message?: string };

export async function waitForNode(
  admin: Pick<ApiClient, 'request'>,
  node: Pick<ClusterNode, 'addresses' | 'log'>,
  signal: AbortSignal,
  milliseconds = NODE_MILLISECONDS,
): Promise<void> {
  const { name } = node.addresses;
  let last = 'its kubelet has said nothing yet';
  await within(milliseconds, signal, async () => {
    const { body } = await admin.request('GET', `/api/v1/nodes/${name}`);
    const { conditions = [] } = (body as { status?: { conditions?: readonly Condition[] } }).status ?? {};
    const ready = conditions.find(({ type }) => type === 'Ready');
    last = ready?.message ?? last;
    return ready?.status === 'True';
  }).catch((cause: unknown) => {
    throw new Error(`${name} is not Ready after ${milliseconds / 1000} s: ${last}\n${node.log()}`, { cause });
  });
}

/** @param nodes whose logs are told when it does not come */
export async function waitForDns(
  admin: ApiClient,
  nodes: readonly ClusterNode[],
  signal: AbortSignal,
): Promise<void> {
  await within(DNS_MILLISECONDS, signal, async () => {
    const { body } = await admin.request('GET', '/apis/apps/v1/namespaces/kube-system/deployments/coredns');
    return (body as { status?: { readyReplicas?: number } }).status?.readyReplicas === nodes.length;
  }).catch(async (cause: unknown) => {
    const { body } = await admin.request('GET', '/api/v1/namespaces/kube-system/events');
    const events = (body as { items?: readonly { reason?: string; message?: string }[] }).items ?? [];
    const said = events.map(({ reason = '', message = '' }) => `${reason}: ${message}`).join('\n');
    const logs = nodes.map((node) => node.log()).join('\n');
    throw new Error(`the DNS of the cluster is not ready after 60 s:\n${said}\n${logs}`, { cause });
  });
}

/** Rejects when the time is over, or the signal is aborted. An attempt that throws is one that failed, as is one that hangs. */
async function within(
  milliseconds: number,
  signal: AbortSignal,
  attempt: () => Promise<boolean>,
): Promise<void> {
  const timeUp = AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
  timeUp.throwIfAborted();
  const ended = new Promise<never>((_, reject) => {
    timeUp.addEventListener('abort', () => reject(timeUp.reason as Error), { once: true });
  });
  const attempts = async (): Promise<void> => {
    while (!(await attempt().catch(() => false)))
      await sleep(POLL_MILLISECONDS, undefined, { signal: timeUp });
  };
  await Promise.race([attempts(), ended]);
}
