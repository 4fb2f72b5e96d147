/** The redirector of a node and the processes that wait for it, with a real API server and in real namespaces. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { redirectRules } from '../../../src/redirection/rules.ts';
import { optionsOf } from '../../unit/redirection/sample-options.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { eventually } from '../harness/eventually.ts';
import { enterOwnNetwork, needRoot, startPodNetwork } from '../harness/pod-network.ts';
import type { RunningProcess } from '../harness/processes.ts';
import { startScene } from '../harness/scene.ts';
import { NODE, redirectWait, startNode, tables } from './node.ts';
import { startPeer } from './peer.ts';

needRoot();
enterOwnNetwork();

const scene = await startScene(['kube-apiserver', 'etcd', 'helm', 'nft']);
const network = await startPodNetwork(scene, true);
const api = await startApiServer(scene);
await api.createNamespace('apps');
await clusterObjects(api).node(NODE, { InternalIP: network.nodeIp });
const { pod, run, link, event, repair, redirector } = startNode(scene, api, network);
const outside = startPeer(scene);
await outside.serve({ 7000: 'node' });

async function redirected(waiting: RunningProcess): Promise<void> {
  assert.deepEqual(await waiting.exited, { code: 0, signal: null }, waiting.log());
}

function inPod({ path }: { readonly path: string }, script: string): void {
  execFileSync('nsenter', [`--net=${path}`, 'sh', '-ec', script]);
}

const REDIRECT_WAIT = redirectWait();
// Of a pod that only waits, without the redirector.
const alone = { name: 'alone', uid: '00000000-0000-4000-8000-000000000000', form: 'systemd' } as const;
// Has the argument, and never ends.
const NEVER = [process.execPath, '-e', 'setInterval(() => undefined, 10_000)', 'redirect-wait'];

test('the waiting container ends when every family that has a network is redirected', async () => {
  const rules = redirectRules(optionsOf({ uids: [5995] }));
  const [ipv6] = /table ip6 tandem\ndelete[^]*/.exec(rules) ?? [''];
  const [neither, ipv4, single, none] = await Promise.all([link(), link(), link(), link()]);
  nft(ipv4.path, rules.replace(ipv6, ''));
  nft(single.path, rules);
  inPod(single, 'ip -6 addr flush dev eth0');
  inPod(none, 'ip link set eth0 down');
  const [all, half, whole, lost] = await Promise.all(
    [neither, ipv4, single, none].map((each) => run(alone, each, REDIRECT_WAIT)),
  );
  assert.ok(all !== undefined && half !== undefined && whole !== undefined && lost !== undefined);
  await redirected(whole);
  await says(all, 'its IPv4 and IPv6 traffic is not redirected. To see the redirector of node node-1');
  await says(all, '--selector=app.kubernetes.io/component=redirector --field-selector=spec.nodeName=node-1');
  await says(half, 'its IPv6 traffic is not redirected');
  await says(lost, 'it has no network');
  nft(neither.path, rules);
  nft(ipv4.path, rules);
  await Promise.all([all, half].map(redirected));
  // The containers behind it must not start when it is stopped.
  assert.equal((await lost.stop()).code, 1);
});

function nft(path: string, rules: string): void {
  execFileSync('nsenter', [`--net=${path}`, 'nft', '-f', '-'], { input: rules });
}

function says(waiting: RunningProcess, text: string): Promise<void> {
  return eventually(`${waiting.name} says ${text}`, async () =>
    assert.ok(waiting.log().includes(text), waiting.log()),
  );
}

test('each right is needed; a pod waits for a redirector that comes late, and an Event has the words of the kernel', async () => {
  const late = await pod('late');
  const waiting = await run(late, await link(), REDIRECT_WAIT);
  const weak = await Promise.all(['net_admin', 'sys_admin', 'sys_ptrace'].map((right) => redirector(right)));
  await eventually('three Events', async () => {
    const events = await event(late);
    assert.match(
      events,
      /RedirectionFailed: .* on node node-1, so it waits: .*cache initialization failed: Operation not permitted/,
    );
    assert.match(events, /nsenter: reassociate to namespace .*: Operation not permitted/);
    assert.match(events, /EACCES: permission denied, open '\/proc\/\d+\/ns\/net'/);
  });
  await Promise.all(weak.map(({ process: each }) => each.stop('SIGKILL')));
  current = await redirector();
  await redirected(waiting);
  await counted(1);
});

/** So many redirections of the current redirector: the pod may see its rules before nft has ended. */
function counted(applied: number): Promise<void> {
  return eventually(`${applied} in the metric`, async () => {
    const [, found] =
      /tandem_redirections_total\{result="applied"\} (\d+)/.exec(await current.metrics()) ?? [];
    assert.equal(Number(found), applied);
  });
}

let current: Awaited<ReturnType<typeof redirector>>;

test('what runs before has the network; a process is found that comes late into its cgroup and has its arguments late', async () => {
  const vault = await pod('vault', 'cgroupfs');
  const its = await link();
  const inside = startPeer(scene, its.path);
  await inside.serve({ 9090: 'app' });
  const before = await run(vault, its, ['sleep', 'infinity']);
  const call = { host: network.nodeIp6, port: 7000 };
  assert.equal(await inside.call(call), 'node');
  await redirected(await run(vault, its, REDIRECT_WAIT, 0.4));
  assert.equal(await inside.call(call), 'ECONNREFUSED');
  assert.equal(await inside.call({ ...call, host: network.nodeIp }), 'ECONNREFUSED');
  assert.equal(await inside.call({ ...call, uid: 5995 }), 'node');
  for (const host of [its.ip, its.ip6])
    assert.equal(await outside.call({ host, port: 9090 }), 'ECONNREFUSED');
  await before.stop();
});

test('a sandbox that is made again is redirected again, also in the namespace of before, and by a redirector that was killed', async () => {
  const again = await pod('again');
  const its = await link();
  await redirected(await run(again, its, REDIRECT_WAIT));
  // As a namespace that got the number of the one before it.
  inPod(its, 'nft flush ruleset');
  await redirected(await run(again, its, REDIRECT_WAIT));
  await current.process.stop('SIGKILL');
  const waiting = await run(again, await link(), REDIRECT_WAIT);
  current = await redirector();
  await redirected(waiting);
  await counted(1);
});

test('the network of the node is never touched', async () => {
  const pods = await Promise.all([pod('as-redirector'), pod('as-machine')]);
  const networks = ['/proc/self/ns/net', `/proc/${process.ppid}/ns/net`];
  await Promise.all(pods.map((each, index) => run(each, { path: networks[index] ?? '' }, NEVER)));
  for (const each of pods)
    assert.match(await event(each), /RedirectionFailed: .*its network is that of the node/);
  for (const path of networks) assert.doesNotMatch(tables(path), /tandem/);
});

test('a damaged annotation is an Event, and the pod waits until it is repaired', async () => {
  const damaged = await pod('damaged', 'systemd', '{"version":1,"uids":["5995 } accept"]}');
  const waiting = await run(damaged, await link(), REDIRECT_WAIT);
  assert.match(await event(damaged), /InvalidAnnotations: .*tandem\/redirect.*inboundPorts: must be a list/);
  assert.match(await current.metrics(), /tandem_redirector_pending_pods [1-9]/);
  await repair(damaged);
  await redirected(waiting);
  await counted(2);
});

// Has the argument, and costs the machine next to nothing: forty starts of Node would be what is tested. What the waiting container
// itself does is tested above.
const CHEAP = ['sh', '-c', 'sleep 600; :', 'redirect-wait'];

test('of forty at once each is redirected in its own network, and none twice', async () => {
  const many = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => ({ of: await pod(`many-${index}`), its: await link() })),
  );
  assert.equal(new Set(many.map(({ its }) => its.path)).size, 40);
  await Promise.all(many.map(({ of, its }) => run(of, its, CHEAP)));
  await eventually('the rules of all', async () =>
    assert.deepEqual(
      [...new Set(many.map(({ its }) => tables(its.path)))],
      ['table ip tandem\ntable ip6 tandem\n'],
    ),
  );
  // When one that came later is redirected, each of the forty was looked at again.
  await redirected(await run(await pod('after-many'), await link(), REDIRECT_WAIT));
  await counted(2 + 41);
});
