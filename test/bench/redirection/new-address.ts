/** A Service with many pods that gets another cluster address: how soon a client in the mesh reaches it there. */
import { execFileSync } from 'node:child_process';
import { asString, property } from '../../../src/support/json.ts';
import type { ApiServer } from '../../real/harness/api-server.ts';
import type { Consul } from '../../real/harness/consul.ts';
import { figure, median } from '../figure.ts';
import { inParallel } from '../sync/in-parallel.ts';
import type { SyncProcess } from '../sync/sync-process.ts';
import { registrarCounts } from '../registrar/registrar-counts.ts';
import { DATAPLANE, NAMESPACE, placePod } from '../registrar/sample-pods.ts';

const NODES = 10;
export const NAME = 'front';
const SERVICES = `/api/v1/namespaces/${NAMESPACE}/services`;
const POLL_MILLISECONDS = 10;

type Parts = {
  readonly api: ApiServer;
  readonly consul: Consul;
  readonly sync: SyncProcess;
  /** When the client has an answer of that address. */
  readonly reach: (address: string) => Promise<unknown>;
  /** The network of a pod of the service: it answers for all of them. */
  readonly web: string;
};

/** @param pods of the Service. @param rounds each with an address of its own */
export async function benchNewAddress(
  { api, consul, sync, reach, web }: Parts,
  pods: number,
  rounds: number,
): Promise<void> {
  const mode = { ...DATAPLANE, flags: [...DATAPLANE.flags, '--transparent-proxy'] };
  await inParallel(pods, 16, (n) => {
    const ip = `10.244.200.${n + 1}`;
    execFileSync('nsenter', [`--net=${web}`, 'ip', 'addr', 'add', `${ip}/16`, 'dev', 'eth0']);
    return placePod(api, { name: `${NAME}-${n}`, service: NAME, node: `node-${n % NODES}`, ip }, mode);
  });
  await untilHave(consul, await serveAnew(api), pods);
  const [first, all, writes]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    const before = (await registrarCounts(sync)).writes;
    const next = await serveAnew(api);
    const begin = performance.now();
    const since = (): number => (performance.now() - begin) / 1000;
    await Promise.all([
      reach(`${next}:80`).then(() => first.push(since())),
      untilHave(consul, next, pods).then(() => all.push(since())),
    ]);
    writes.push((await registrarCounts(sync)).writes - before);
  }
  const what = `registrar: a Service with ${pods} pods gets another address`;
  figure(`${what}, until a client reaches it, p50`, median(first), 's', 'target <= 1');
  figure(
    `${what}, until all pods have it, p50`,
    median(all),
    's',
    `${median(writes)} writes, about ${pods}: proxies only`,
  );
}

/** For another address it has to be made again. */
async function serveAnew(api: ApiServer): Promise<string> {
  await api.admin.expect('DELETE', `${SERVICES}/${NAME}`);
  return serve(api);
}

export async function serve({ admin }: ApiServer): Promise<string> {
  const service = await admin.expect('POST', SERVICES, {
    metadata: { name: NAME },
    spec: { selector: { app: NAME }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  return asString(property(property(service, 'spec'), 'clusterIP')) ?? '';
}

async function untilHave(consul: Consul, address: string, count: number): Promise<void> {
  for (;;) {
    const found = (await consul.call('GET', `/v1/catalog/connect/${NAME}`)) as readonly unknown[];
    const having = found.filter((each) => {
      const virtual = property(property(each, 'ServiceTaggedAddresses'), 'virtual');
      return property(virtual, 'Address') === address;
    });
    if (having.length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}
