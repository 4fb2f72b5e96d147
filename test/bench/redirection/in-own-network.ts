/** The figures of the redirection, each beside its goal on two idle cores. */
import { execFileSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { nodeOptions } from '../../../deploy/image/image.ts';
import { redirectRules } from '../../../src/redirection/rules.ts';
import { startApiServer } from '../../real/harness/api-server.ts';
import { at, renderChart } from '../../real/harness/chart.ts';
import { clusterObjects } from '../../real/harness/cluster-objects.ts';
import {
  enterOwnNetwork,
  needRoot,
  startPodNetwork,
  type PodInterface,
} from '../../real/harness/pod-network.ts';
import { TANDEM } from '../../real/harness/tandem-program.ts';
import { NODE, redirectWait, startNode, type NodePod } from '../../real/redirection/node.ts';
import { optionsOf } from '../../unit/redirection/sample-options.ts';
import { figure, median, percentile } from '../figure.ts';
import { cpuSeconds, residentMegabytes } from '../process-usage.ts';
import { withScene } from '../sync/bench-scene.ts';

needRoot();
enterOwnNetwork();

const short = process.argv.includes('--short');
const [RUNS, IDLE_SECONDS, AT_ONCE] = short ? [2, 1, 4] : [50, 60, 40];

const rules = redirectRules(
  optionsOf({
    inboundPorts: [20_200, 20_300, 20_301, 20_302],
    outboundPorts: [8200],
    outboundCidrs: ['203.0.113.0/24', '2001:db8::/32'],
    uids: [5995],
    handshakes: [{ port: 20_401, to: 9090 }],
  }),
);

await withScene(['etcd', 'kube-apiserver', 'helm', 'nft'], async (scene) => {
  const [network, api] = await Promise.all([startPodNetwork(scene, true), startApiServer(scene)]);
  await api.createNamespace('apps');
  await clusterObjects(api).node(NODE, { InternalIP: network.nodeIp });
  const program = [process.execPath, ...nodeOptions, TANDEM];
  const node = startNode(scene, api, network, [process.execPath, ...(await deployedOptions()), TANDEM]);
  const first = await node.link();
  benchRules(first);
  const { process: redirector } = await node.redirector();
  const waited = async (pod: NodePod, link: PodInterface): Promise<number> => {
    const start = performance.now();
    const { exited } = await node.run(pod, link, redirectWait(program));
    if ((await exited).code !== 0) throw new Error('the waiting process has failed');
    return performance.now() - start;
  };
  const podsOf = (name: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, async (_, index) => ({
        pod: await node.pod(`${name}-${index}`),
        link: await node.link(),
      })),
    );
  // A pod that has had its rules waits longer for the next ones.
  const single = await podsOf('single', RUNS);
  const times: number[] = [];
  for (const { pod, link } of single) times.push(await waited(pod, link));
  figure('redirect-wait: start to end, p50', median(times), 'ms', 'goal <= 150');
  figure('redirect-wait: start to end, p99', percentile(times, 0.99), 'ms', 'goal <= 300');
  const many = await podsOf('many', AT_ONCE);
  const start = performance.now();
  await Promise.all(many.map(({ pod, link }) => waited(pod, link)));
  figure(`redirect-wait: ${AT_ONCE} at once`, (performance.now() - start) / 1000, 's', 'goal <= 4 for 40');
  const pods = '/api/v1/namespaces/apps/pods';
  for (const { pod } of [...single, ...many])
    await api.admin.expect('DELETE', `${pods}/${pod.name}?gracePeriodSeconds=0`);
  // What the last events cost is not idle.
  await wait(short ? 200 : 2000);
  const before = await cpuSeconds(redirector.pid);
  await wait(IDLE_SECONDS * 1000);
  const used = (await cpuSeconds(redirector.pid)) - before;
  figure('redirector: CPU of an idle minute', (used * 60_000) / IDLE_SECONDS, 'ms', 'goal <= 5');
  figure('redirector: resident', await residentMegabytes(redirector.pid), 'MB', 'goal <= 80');
});

/** The image has the heap of the webhook; the redirector is given its own where it is deployed. */
async function deployedOptions(): Promise<readonly string[]> {
  const daemonSet = (await renderChart()).one('DaemonSet', 'tandem-redirector');
  const environment = at(daemonSet, 'spec', 'template', 'spec', 'containers', 0, 'env');
  return String(at(environment, 0, 'value')).split(' ');
}

function benchRules({ path }: PodInterface): void {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    execFileSync('nsenter', [`--net=${path}`, 'nft', '-f', '-'], { input: rules });
    return performance.now() - start;
  });
  figure('redirection: rules of both families by nft, one transaction', median(times), 'ms', 'goal <= 60');
}
