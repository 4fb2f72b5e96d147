/** The gossip key on its way from the Secret to real agents, which encrypt with it: nobody else gets to see it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { property } from '../../../src/support/json.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { at, renderChart } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import type { RunningProcess } from '../harness/processes.ts';
import { startScene } from '../harness/scene.ts';
import { partPath } from '../parts.ts';

const scene = await startScene(['helm', 'consul']);
const run = promisify(execFile);
const GLOBAL = { gossipEncryption: { secretName: 'gossip', secretKey: 'the-key' } };
const AGENTS = [
  ['StatefulSet', 'server'],
  ['DaemonSet', 'client'],
] as const;

type Agent = { readonly process: RunningProcess; readonly http: number; readonly serf: number };

/** Runs what the chart gives the kubelet for this agent, in a folder of its own; mount paths become folders. */
async function startAgent(part: 'server' | 'client', secret: string, peer?: Agent): Promise<Agent> {
  const [http = 0, grpc = 0, grpcTls = 0, dns = 0, server = 0, serf = 0, wan = 0] = await freePorts(7);
  const folder = join(scene.folder, `${part}-${http}`);
  const inFolder = (text: string): string => text.replaceAll('/consul/', `${folder}/`);
  const extraConfig = {
    bind_addr: '127.0.0.1',
    data_dir: join(folder, 'data'),
    ports: { http, grpc, grpc_tls: grpcTls, dns, server, serf_lan: serf, serf_wan: wan },
    retry_join: [],
    retry_interval: '1s',
    performance: { raft_multiplier: 1 },
  };
  const values = { server: { replicas: 1, extraConfig }, client: { extraConfig } };
  const chart = await renderChart({ global: GLOBAL, ...values });
  const [kind] = AGENTS.find(([, name]) => name === part) ?? [''];
  const pod = at(chart.one(kind, `tandem-${part}`), 'spec', 'template', 'spec');
  for (const each of ['config', 'gossip', 'gossip-secret'])
    mkdirSync(join(folder, each), { recursive: true });
  for (const [file, text] of Object.entries(at(chart.one('ConfigMap', `tandem-${part}`), 'data') as object))
    // The name of the Service of the servers is nobody's here.
    writeFileSync(
      join(folder, 'config', file),
      String(text).replace(/"retry_join": \[.*\]/, '"retry_join": []'),
    );
  writeFileSync(join(folder, 'gossip-secret/key'), secret);
  const [command = '', ...script] = at(pod, 'initContainers', 0, 'command') as string[];
  await run(command, script.map(inFolder));
  rmSync(join(folder, 'gossip-secret'), { recursive: true });
  const expand: Readonly<Record<string, string>> = { POD_IP: '127.0.0.1', NODE_NAME: `${part}-${http}` };
  const args = (at(pod, 'containers', 0, 'args') as string[])
    .map((each) => each.replaceAll(/\$\((\w+)\)/g, (_, name: string) => expand[name] ?? ''))
    .map(inFolder);
  const process = await scene.start({
    name: `consul ${part}`,
    command: partPath('consul'),
    args: [...args, ...(peer === undefined ? [] : [`-retry-join=127.0.0.1:${peer.serf}`])],
    folder,
    ready: async () => (await fetch(`http://127.0.0.1:${http}/v1/agent/self`)).ok,
  });
  return { process, http, serf };
}

async function members({ http }: Agent): Promise<number> {
  const found = (await (await fetch(`http://127.0.0.1:${http}/v1/agent/members`)).json()) as object[];
  return found.filter((each) => property(each, 'Status') === 1).length;
}

test('agents that share the key find each other, and one with another key stays outside', async () => {
  const key = randomBytes(32).toString('base64');
  // With the line end that editors and kubectl --from-file leave in a Secret.
  const server = await startAgent('server', `${key}\n`);
  const client = await startAgent('client', key, server);
  await eventually('the client has joined', async () => assert.equal(await members(client), 2));
  const stranger = await startAgent('client', randomBytes(32).toString('base64'), server);
  await eventually('the stranger was turned away', async () =>
    assert.match(stranger.process.log(), /No installed keys could decrypt|[Ff]ailed to join/),
  );
  assert.equal(await members(server), 2);
  for (const { process } of [server, client]) {
    const { pid } = process;
    for (const file of ['cmdline', 'environ'])
      assert.ok(!readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(key), file);
    assert.ok(!process.log().includes(key));
  }
  const written = readdirSync(scene.folder).map((name) => join(scene.folder, name, 'gossip/gossip.json'));
  assert.equal(written.length, 3);
  for (const file of written) assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a Secret that holds no key is told before the agent starts', async () => {
  for (const secret of ['', '\n', 'a","b":"', 'not a key!', '${HOME}'])
    await assert.rejects(startAgent('server', secret), (error) => {
      assert.match(
        String(property(error, 'stderr')),
        /^The value of the Secret is not a gossip key: consul keygen/,
      );
      return true;
    });
});

test('no argument and no variable of any pod comes from a Secret that is a key or a token', async () => {
  const { objects } = await renderChart({
    global: GLOBAL,
    syncCatalog: { aclSyncToken: { secretName: 'token' } },
  });
  const pods = objects.map((each) => (at(each, 'spec', 'template') ?? each) as KubernetesObject);
  const containers = pods
    .flatMap((pod) => [at(pod, 'spec', 'initContainers'), at(pod, 'spec', 'containers')])
    .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  assert.ok(containers.length >= 8);
  for (const container of containers) {
    assert.doesNotMatch(JSON.stringify(at(container, 'env') ?? []), /secretKeyRef/);
    assert.doesNotMatch(JSON.stringify(at(container, 'args') ?? []), /-encrypt\b|-token=/);
  }
});

test('without encryption there is nothing of it', async () => {
  const { text } = await renderChart();
  assert.doesNotMatch(text, /gossip/);
});
