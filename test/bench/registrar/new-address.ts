/** A Service with many pods that gets another cluster address: how soon Consul tells clients of it. */
import { asString, property } from '../../../src/support/json.ts';
import type { ApiServer } from '../../real/harness/api-server.ts';
import type { Consul } from '../../real/harness/consul.ts';
import { figure, median } from '../figure.ts';
import { inParallel } from '../sync/in-parallel.ts';
import type { SyncProcess } from '../sync/sync-process.ts';
import { registrarCounts } from './registrar-counts.ts';
import { DATAPLANE, NAMESPACE, placePod } from './sample-pods.ts';

const PODS = 100;
const NODES = 10;
const NAME = 'front';
const SERVICES = `/api/v1/namespaces/${NAMESPACE}/services`;
const POLL_MILLISECONDS = 10;

type Parts = { readonly api: ApiServer; readonly consul: Consul; readonly sync: SyncProcess };

/** @param rounds each with an address of its own */
export async function benchNewAddress({ api, consul, sync }: Parts, rounds: number): Promise<void> {
  const mode = { ...DATAPLANE, flags: [...DATAPLANE.flags, '--transparent-proxy'] };
  await inParallel(PODS, 16, (n) =>
    placePod(
      api,
      { name: `${NAME}-${n}`, service: NAME, node: `node-${n % NODES}`, ip: `10.60.0.${n}` },
      mode,
    ),
  );
  await untilHave(consul, await serve(api), PODS);
  const [first, all, writes]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    const before = (await registrarCounts(sync)).writes;
    const next = await serveAnew(api);
    const begin = performance.now();
    await untilHave(consul, next, 1);
    first.push((performance.now() - begin) / 1000);
    await untilHave(consul, next, PODS);
    all.push((performance.now() - begin) / 1000);
    writes.push((await registrarCounts(sync)).writes - before);
  }
  const what = `registrar: a Service with ${PODS} pods gets another address`;
  figure(
    `${what}, until clients learn of it, p50`,
    median(first),
    's',
    'target <= 1 with 0.3 for their Envoys',
  );
  figure(
    `${what}, until all pods have it, p50`,
    median(all),
    's',
    `${median(writes)} writes, about ${PODS}: proxies only`,
  );
}

/** For another address it has to be made again. */
async function serveAnew(api: ApiServer): Promise<string> {
  await api.admin.expect('DELETE', `${SERVICES}/${NAME}`);
  return serve(api);
}

async function serve({ admin }: ApiServer): Promise<string> {
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
