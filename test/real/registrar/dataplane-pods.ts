/** Pods in dataplane mode, and what the registrar writes of them, as a test looks at it. */
import type { ApiServer } from '../harness/api-server.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import type { Consul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';

export type PodStatus = {
  readonly ready?: boolean;
  readonly message?: string;
  readonly phase?: string;
  readonly reason?: string;
};

/** What a kubelet would write of a running pod. */
export async function writeStatus(
  { admin }: ApiServer,
  path: string,
  { ready, message, phase, reason }: PodStatus,
): Promise<void> {
  const conditions = [
    { type: 'Initialized', status: 'True' },
    { type: 'Ready', status: ready === true ? 'True' : 'False', message: message ?? '' },
  ];
  const status = {
    ...(ready === undefined ? {} : { conditions }),
    ...(phase === undefined ? {} : { phase }),
    ...(reason === undefined ? {} : { reason }),
  };
  await admin.expect('PATCH', `${path}/status`, { status }, MERGE_PATCH);
}

export type Instance = {
  readonly Name: string;
  readonly Node: string;
  readonly Status: string;
  readonly Output: string;
  readonly ServiceID: string;
};

/** The readiness checks that Consul has of a service, one for each instance. */
export async function readinessOf(consul: Consul, service: string): Promise<readonly Instance[]> {
  return (await consul.call('GET', `/v1/health/checks/${service}`)) as readonly Instance[];
}

/** Waits until Consul has exactly these: `<id> <status>`. */
export async function inConsul(
  consul: Consul,
  service: string,
  expected: readonly string[],
): Promise<readonly Instance[]> {
  return eventually(`${service}: ${expected.join(', ') || 'none'}`, async () => {
    const found = await readinessOf(consul, service);
    const texts = found.map(({ ServiceID, Status }) => `${ServiceID} ${Status}`).toSorted();
    if (texts.join() !== expected.toSorted().join()) throw new Error(`Consul has ${texts.join(', ')}`);
    return found;
  });
}
