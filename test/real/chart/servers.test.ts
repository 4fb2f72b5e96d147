/** The Consul servers of the chart, from one to seven: they can elect a leader, keep one, and can be drained. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { at, renderChart, type Rendered } from '../harness/chart.ts';
import { startConsul, type ConsulServer } from '../harness/consul.ts';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { partPath } from '../parts.ts';

const scene = await startScene(['helm', 'consul']);

function configuration(chart: Rendered, part: 'server' | 'client'): Record<string, unknown> {
  const data = at(chart.one('ConfigMap', `tandem-${part}`), 'data') as Record<string, string>;
  return JSON.parse(data[`${part}.json`] ?? '') as Record<string, unknown>;
}

for (const replicas of [1, 2, 3, 4, 5, 6, 7])
  test(`${replicas} servers`, async () => {
    const chart = await renderChart({ server: { replicas } });
    const set = chart.one('StatefulSet', 'tandem-server');
    assert.equal(at(set, 'spec', 'replicas'), replicas);
    assert.equal(at(set, 'spec', 'podManagementPolicy'), 'Parallel');
    const { bootstrap_expect, autopilot, connect, leave_on_terminate, performance, ...joins } = configuration(
      chart,
      'server',
    );
    assert.equal(bootstrap_expect, replicas);
    assert.deepEqual(autopilot, { min_quorum: Math.floor(replicas / 2) + 1 });
    assert.deepEqual([connect, leave_on_terminate], [{ enabled: true }, true]);
    // Serf's 3 s, and what it takes to notice the end, are within the 5 s for which pods drain.
    assert.deepEqual(performance, { leave_drain_time: '100ms' });
    const service = chart.one('Service', 'tandem-server');
    assert.equal(at(set, 'spec', 'serviceName'), service.metadata.name);
    const servers = `${service.metadata.name}.${service.metadata.namespace}.svc:8301`;
    assert.deepEqual([joins['retry_join'], joins['retry_interval']], [[servers], '2s']);
    assert.deepEqual(
      [at(service, 'spec', 'clusterIP'), at(service, 'spec', 'publishNotReadyAddresses')],
      ['None', true],
    );
    // Sidecars are sent to servers that have a leader and do not end.
    const ready = chart.one('Service', 'tandem-server-ready');
    assert.deepEqual(
      [at(ready, 'spec', 'clusterIP'), at(ready, 'spec', 'publishNotReadyAddresses')],
      ['None', undefined],
    );
    assert.deepEqual(at(ready, 'spec', 'selector'), at(service, 'spec', 'selector'));
    // A budget of a single server would keep its node from being drained; of two and more, one may go.
    assert.equal(chart.has('PodDisruptionBudget', 'tandem-server'), replicas > 1);
    if (replicas > 1)
      assert.equal(at(chart.one('PodDisruptionBudget', 'tandem-server'), 'spec', 'maxUnavailable'), 1);
    const addresses = argumentOf(chart, 'tandem-sync', '--consul-http-addr').split(',');
    assert.equal(addresses.length, replicas);
    assert.equal(addresses.at(-1), `tandem-server-${replicas - 1}.tandem-server:8500`);
  });

test('a DNS server that is lost holds up the sync for two seconds at most', async () => {
  const chart = await renderChart();
  const options = at(
    chart.one('Deployment', 'tandem-sync'),
    'spec',
    'template',
    'spec',
    'dnsConfig',
    'options',
  );
  const valueOf = (name: string): number =>
    Number(
      at(
        (options as readonly object[]).find((each) => at(each, 'name') === name),
        'value',
      ),
    );
  assert.ok(valueOf('timeout') * valueOf('attempts') <= 2);
});

function argumentOf(chart: Rendered, deployment: string, flag: string): string {
  const args = at(chart.one('Deployment', deployment), 'spec', 'template', 'spec', 'containers', 0, 'args');
  const found = (args as string[]).find((each) => each.startsWith(`${flag}=`));
  return found?.slice(flag.length + 1) ?? '';
}

test('the real Consul takes the configuration of servers and clients', async () => {
  const chart = await renderChart({
    server: { extraConfig: { acl: { enabled: true } } },
    client: { extraConfig: { log_level: 'debug' } },
    global: { recursors: ['10.0.0.2'], domain: 'mesh', datacenter: 'east' },
  });
  for (const part of ['server', 'client'] as const) {
    const folder = join(scene.folder, part);
    mkdirSync(folder);
    const data = at(chart.one('ConfigMap', `tandem-${part}`), 'data') as Record<string, string>;
    for (const [file, content] of Object.entries(data)) writeFileSync(join(folder, file), content);
    // As the argument of the pod, without which a machine with several addresses has to choose one.
    writeFileSync(join(folder, 'pod.json'), JSON.stringify({ advertise_addr: '10.0.0.1' }));
    const { stdout } = await promisify(execFile)(partPath('consul'), ['validate', folder]);
    assert.match(stdout, /Configuration is valid!/);
  }
});

test('a server that is new has not started before it votes', async () => {
  const consul = await startConsul(scene, {
    servers: 3,
    configuration: { leave_on_terminate: true, autopilot: { server_stabilization_time: '24h' } },
  });
  const [first, , third] = consul.servers;
  assert.ok(first !== undefined && third !== undefined);
  for (const server of consul.servers) await eventually('its start', () => startupProbe(server));
  await third.process().stop();
  await eventually('the others without it', async () => assert.equal((await servers()).length, 2));
  await third.start();
  await eventually('it takes part', async () => {
    const found = (await servers()).find((each) => at(each, 'Node') === third.node);
    assert.equal(at(found, 'Voter'), false);
    assert.match(await (await fetch(`${third.url}/v1/status/leader`)).text(), /".+"/);
  });
  await assert.rejects(startupProbe(third));
  await startupProbe(first);
  const autopilot = (await consul.call('GET', '/v1/operator/autopilot/configuration')) as object;
  await consul.call('PUT', '/v1/operator/autopilot/configuration', {
    ...autopilot,
    ServerStabilizationTime: '1s',
  });
  await eventually('its vote', () => startupProbe(third));
  assert.ok((await servers()).every((each) => at(each, 'Voter') === true));
  await readinessProbe('server', third.url);
  await Promise.all(
    consul.servers.filter((each) => each !== third).map((each) => each.process().stop('SIGKILL')),
  );
  await eventually('without a leader it is not ready', () =>
    assert.rejects(readinessProbe('server', third.url)),
  );

  async function servers(): Promise<readonly object[]> {
    return at(await consul.call('GET', '/v1/operator/raft/configuration'), 'Servers') as readonly object[];
  }
});

test('agents find the servers again that all left and came back', async () => {
  const settings = configuration(await renderChart({ server: { replicas: 1 } }), 'server');
  const { leave_on_terminate, rejoin_after_leave, performance } = settings as Readonly<
    Record<string, object>
  >;
  const consul = await startConsul(scene, {
    configuration: { leave_on_terminate, rejoin_after_leave, performance },
  });
  const agent = await startConsulAgent(scene, consul, 'node-1');
  const url = `http://127.0.0.1:${agent.ports.http}`;
  const leader = async (): Promise<string> => (await fetch(`${url}/v1/status/leader`)).text();
  await eventually('it is ready', () => readinessProbe('client', url));
  await consul.process().stop();
  await eventually('it knows that they left', async () =>
    assert.match(await leader(), /No known Consul servers/),
  );
  await assert.rejects(readinessProbe('client', url));
  await consul.start();
  await eventually('it is ready again', () => readinessProbe('client', url));
});

test('where ACLs hide who votes, a server has started when it must vote by now', async () => {
  const acls = await startConsul(scene, { acls: true });
  // 10 s for a server to be stable, 10 s from one look of autopilot to the next, 2 s from one health check to the next.
  const { stdout } = await startupProbe(acls, (script) => script.replace('sleep 22', 'echo waited'));
  assert.equal(stdout, 'waited\n');
  // Nobody needs a token for what the probe asks, and one of the agent that Consul does not know is not used for it.
  await acls.call('PUT', '/v1/agent/token/default', { Token: randomUUID() });
  await readinessProbe('server', acls.url);
});

test('where HTTP is for the machine alone, an agent is asked by HTTPS', async () => {
  const chart = await renderChart({ global: { tls: { enabled: true, httpsOnly: true } } });
  for (const part of ['server', 'client'] as const) {
    const container = containerOf(chart, part);
    const [readiness, liveness] = ['readinessProbe', 'livenessProbe'].map((probe) => at(container, probe));
    const { port, scheme } = at(readiness, 'httpGet') as Readonly<Record<string, string>>;
    assert.deepEqual([port, scheme, at(liveness, 'tcpSocket', 'port')], ['https', 'HTTPS', 'https']);
  }
});

/** Rejects unless a kubelet would find the agent at the URL ready. */
async function readinessProbe(part: 'server' | 'client', url: string): Promise<void> {
  const probe = at(containerOf(await renderChart(), part), 'readinessProbe');
  const { path, port, scheme } = at(probe, 'httpGet') as Readonly<Record<string, string>>;
  assert.deepEqual([port, scheme], ['http', 'HTTP']);
  const headers = at(probe, 'httpGet', 'httpHeaders') as readonly {
    readonly name: string;
    readonly value: string;
  }[];
  const signal = AbortSignal.timeout(Number(at(probe, 'timeoutSeconds')) * 1000);
  const { ok, status } = await fetch(`${url}${path}`, {
    signal,
    headers: headers.map(({ name, value }) => [name, value]),
  });
  assert.ok(ok, `${status}`);
}

function containerOf(chart: Rendered, part: 'server' | 'client'): unknown {
  const workload = chart.one(part === 'server' ? 'StatefulSet' : 'DaemonSet', `tandem-${part}`);
  return at(workload, 'spec', 'template', 'spec', 'containers', 0);
}

/** Rejects unless it succeeds. */
async function startupProbe(
  { url, ports }: ConsulServer,
  changed: (script: string) => string = (script) => script,
): Promise<{ readonly stdout: string }> {
  const set = (await renderChart()).one('StatefulSet', 'tandem-server');
  const command = at(set, 'spec', 'template', 'spec', 'containers', 0, 'startupProbe', 'exec', 'command');
  const [shell = '', ...args] = command as readonly string[];
  const script = (args.pop() ?? '')
    .replaceAll('http://127.0.0.1:8500', url)
    .replaceAll('/consul/data', join(scene.folder, `consul-${ports.http}`, 'data'));
  return promisify(execFile)(shell, [...args, changed(script)]);
}

test('an agent whose address outlives its pod stays in Consul with all of its node, and the next one waits for it', async () => {
  for (const exposeGossipPorts of [false, undefined]) {
    const chart = await renderChart({ client: { exposeGossipPorts } });
    // Under another address it would be taken for a stranger with its name for a minute, unless it has left.
    assert.equal(configuration(chart, 'client')['leave_on_terminate'], exposeGossipPorts === false);
    // Until its own check of a sidecar has run once, and it has told the servers.
    assert.ok(Number(at(chart.one('DaemonSet', 'tandem-client'), 'spec', 'minReadySeconds')) >= 4);
  }
});

test('replicas of one revision prefer nodes without another, unless the values have a rule about pods', async () => {
  const podsWith = async (affinity: object): Promise<readonly unknown[]> => {
    const part = { affinity };
    const values = { global: { secure: true }, connectInject: part, syncCatalog: part, secure: part };
    const chart = await renderChart(values);
    const names = ['tandem-webhook', 'tandem-sync', 'tandem-secure'];
    return names.map((name) => at(chart.one('Deployment', name), 'spec', 'template'));
  };
  const nodeAffinity = { nodeAffinity: { x: 1 } };
  for (const pod of [...(await podsWith({})), ...(await podsWith(nodeAffinity))]) {
    const [rule, ...others] = at(pod, 'spec', 'topologySpreadConstraints') as readonly unknown[];
    assert.deepEqual(others, []);
    assert.equal(at(rule, 'whenUnsatisfiable'), 'ScheduleAnyway', 'one node alone has all of them');
    assert.equal(at(rule, 'topologyKey'), 'kubernetes.io/hostname');
    const labels = at(pod, 'metadata', 'labels') as object;
    assert.deepEqual({ ...labels, ...(at(rule, 'labelSelector', 'matchLabels') as object) }, labels);
    assert.deepEqual(at(rule, 'matchLabelKeys'), ['pod-template-hash']);
  }
  for (const pod of await podsWith(nodeAffinity)) assert.deepEqual(at(pod, 'spec', 'affinity'), nodeAffinity);
  const own = { podAntiAffinity: { x: 1 } };
  for (const pod of await podsWith(own)) {
    assert.deepEqual(at(pod, 'spec', 'affinity'), own);
    assert.equal(at(pod, 'spec', 'topologySpreadConstraints'), undefined);
  }
});

test('one server a node is required, preferred, left open, or as the values say', async () => {
  const affinity = async (wanted: unknown): Promise<unknown> => {
    const chart = await renderChart({ server: { affinity: wanted } });
    return at(chart.one('StatefulSet', 'tandem-server'), 'spec', 'template', 'spec', 'affinity');
  };
  const rules = (kind: string) => ['podAntiAffinity', `${kind}DuringSchedulingIgnoredDuringExecution`, 0];
  const required = await affinity('required');
  assert.equal(at(required, ...rules('required'), 'topologyKey'), 'kubernetes.io/hostname');
  const preferred = await affinity('preferred');
  assert.equal(
    at(preferred, ...rules('preferred'), 'podAffinityTerm', 'topologyKey'),
    'kubernetes.io/hostname',
  );
  assert.equal(at(preferred, ...rules('required')), undefined);
  assert.equal(await affinity('none'), undefined);
  assert.deepEqual(await affinity({ nodeAffinity: { x: 1 } }), { nodeAffinity: { x: 1 } });
  const chart = await renderChart();
  const labels = at(chart.one('StatefulSet', 'tandem-server'), 'spec', 'template', 'metadata', 'labels');
  const selector = at(required, ...rules('required'), 'labelSelector', 'matchLabels') as object;
  assert.deepEqual({ ...(labels as object), ...selector }, labels, 'it keeps away from its own kind');
});

test('storage, class, bootstrapExpect, version partition and Secrets that are configuration', async () => {
  const chart = await renderChart({
    server: {
      storage: '20Gi',
      storageClass: 'fast',
      bootstrapExpect: 5,
      updatePartition: 2,
      extraVolumes: [{ type: 'secret', name: 'consul-acl', load: true }],
    },
  });
  const { spec } = chart.one('StatefulSet', 'tandem-server') as unknown as { readonly spec: object };
  const claim = at(spec, 'volumeClaimTemplates', 0, 'spec');
  assert.equal(at(claim, 'storageClassName'), 'fast');
  assert.equal(at(claim, 'resources', 'requests', 'storage'), '20Gi');
  assert.equal(at(spec, 'updateStrategy', 'rollingUpdate', 'partition'), 2);
  assert.equal(configuration(chart, 'server')['bootstrap_expect'], 5);
  const args = at(spec, 'template', 'spec', 'containers', 0, 'args') as string[];
  assert.ok(args.includes('-config-dir=/consul/userconfig/consul-acl'));
});

test('an edited configuration starts the agents anew', async () => {
  const checksum = async (values: object): Promise<unknown> =>
    at(
      (await renderChart(values)).one('StatefulSet', 'tandem-server'),
      'spec',
      'template',
      'metadata',
      'annotations',
      'tandem/config-checksum',
    );
  assert.equal(await checksum({}), await checksum({ dns: { enabled: false } }));
  assert.notEqual(await checksum({}), await checksum({ server: { extraConfig: { log_level: 'debug' } } }));
});
