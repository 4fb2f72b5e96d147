/** What the chart refuses, and that it says which value: typos by the schema, contradictions all at once. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { property } from '../../../src/support/json.ts';
import { CHART, refusal, renderChart } from '../harness/chart.ts';
import { mergedAll, valuesWith } from './merged-values.ts';
import { startScene } from '../harness/scene.ts';

await startScene(['helm']);

test('the schema names the key that it does not know, at any depth', async () => {
  const unknown = [
    [{ severs: {} }, 'severs', ''],
    [{ server: { disruptionBudget: { minAvailable: 1 } } }, 'minAvailable', '/server/disruptionBudget'],
    [{ syncCatalog: { nodePortSyncTyp: 'x' } }, 'nodePortSyncTyp', '/syncCatalog'],
    [
      { connectInject: { sidecarProxy: { resources: { requests: { cpus: 1 } } } } },
      'cpus',
      '/connectInject/sidecarProxy/resources/requests',
    ],
  ] as const;
  const text = await refusal(mergedAll(unknown.map(([values]) => values)));
  for (const [, key, place] of unknown)
    assert.match(text, new RegExp(`at '${place}': additional properties '${key}' not allowed`));
});

test('the schema names every null in the place of a default: helm takes null as "without it"', async () => {
  const needed = neededOf(parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')));
  assert.ok(needed.length > 150);
  // Those of one depth at once: none is in another.
  for (const alike of Map.groupBy(needed, (path) => path.length).values()) {
    const text = await refusal(mergedAll(alike.map((path) => valuesWith(path, null))));
    const said = [...text.matchAll(/at '(.*)': missing propert(?:y|ies) (.*)/g)].flatMap(
      ([, place = '', keys = '']) => keys.split(', ').map((key) => `${place}/${key.slice(1, -1)}`),
    );
    assert.deepEqual(said.toSorted(), alike.map((path) => `/${path.join('/')}`).toSorted());
  }
});

test('null is as it was with consul-k8s: what Kubernetes or the chart has by default', async () => {
  const secret = { secretName: 'own', secretKey: null };
  const base = { global: { secure: true, tls: { caCert: secret, caKey: secret } } };
  const { text } = await renderChart({
    ...base,
    global: { ...base.global, acls: { bootstrapToken: secret } },
    server: { nodeSelector: null, tolerations: null, priorityClassName: null, extraVolumes: null },
    ui: { service: { type: null } },
    dns: { type: null },
  });
  assert.match(text, /ca=own\/tls\.crt/);
  assert.match(text, /ca-key=own\/tls\.key/);
  assert.match(text, /TANDEM_BOOTSTRAP_TOKEN_KEY\n\s+value: "token"/);
  const sync = await renderChart({ syncCatalog: { aclSyncToken: secret } });
  assert.match(sync.text, /--consul-token-file=\/etc\/tandem\/consul-token\/token$/m);
  assert.match(sync.text, /CONSUL_HTTP_TOKEN_FILE\n\s+value: \/etc\/tandem\/consul-token\/token$/m);
  for (const { text: rendered } of [{ text }, sync]) assert.doesNotMatch(rendered, /<nil>|%!/);
});

// What Kubernetes defines below a key is passed on as it is, or left out.
const OF_KUBERNETES = ['securityContext', 'nodeSelector', 'resources'];
// Without it the default of Kubernetes holds, that of consul-k8s, or what values.yaml says of null.
const NONE_IS_A_VALUE = ['tolerations', 'priorityClassName', 'secretKey', 'dataDirectoryHostPath', 'type'];

/** The paths of sections and values whose default is more than nothing. */
function neededOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  return Object.entries(value as object).flatMap(([key, below]) => {
    if (OF_KUBERNETES.includes(key) || NONE_IS_A_VALUE.includes(key) || below === null) return [];
    if (typeof below !== 'object') return [[...path, key]];
    if (Object.keys(below).length === 0) return key === 'extraConfig' ? [[...path, key]] : [];
    return Array.isArray(below) ? [[...path, key]] : [[...path, key], ...neededOf(below, [...path, key])];
  });
}

test('the schema names the values that are none', async () => {
  const wrong = [
    [{ server: { enabled: 'yes' } }, '/server/enabled'],
    [{ server: { replicas: 8 } }, '/server/replicas'],
    [{ server: { replicas: 0 } }, '/server/replicas'],
    [{ server: { affinity: 'perhaps' } }, '/server/affinity'],
    [{ server: { storage: 'much' } }, '/server/storage'],
    [{ syncCatalog: { nodePortSyncType: 'External' } }, '/syncCatalog/nodePortSyncType'],
    [{ global: { owner: 'One' } }, '/global/owner'],
    [{ connectInject: { proxyMode: 'both' } }, '/connectInject/proxyMode'],
    [{ syncCatalog: { toK8SMode: 'alias' } }, '/syncCatalog/toK8SMode'],
    [{ syncCatalog: { toK8SServices: [] } }, '/syncCatalog/toK8SServices'],
    [{ syncCatalog: { k8sWriteNamespace: 'From_Consul' } }, '/syncCatalog/k8sWriteNamespace'],
    [{ externalServers: { grpcPort: 0 } }, '/externalServers/grpcPort'],
    [{ registrar: { enabled: 'perhaps' } }, '/registrar/enabled'],
    [{ server: { disruptionBudget: { maxUnavailable: 0 } } }, '/server/disruptionBudget/maxUnavailable'],
    [{ connectInject: { disruptionBudget: { minAvailable: 0 } } }, '/connectInject/disruptionBudget'],
    [{ client: { maxUnavailable: 0 } }, '/client/maxUnavailable'],
    [{ connectInject: { sidecarProxy: { runAsUser: 0 } } }, '/connectInject/sidecarProxy/runAsUser'],
    [{ connectInject: { sidecarProxy: { runAsUser: 'root' } } }, '/connectInject/sidecarProxy/runAsUser'],
    [
      { connectInject: { metrics: { defaultMergedMetricsPort: 80 } } },
      '/connectInject/metrics/defaultMergedMetricsPort',
    ],
    [{ client: { maxUnavailable: '0%' } }, '/client/maxUnavailable'],
    [{ ui: { service: { nodePort: { http: 0 } } } }, '/ui/service/nodePort/http'],
    [{ syncCatalog: { aclSyncToken: { secretName: 'a', secretKey: '' } } }, '/syncCatalog/aclSyncToken'],
  ] as const;
  // The first value of each place together, and then the second ones.
  const turnOf = (entry: (typeof wrong)[number]): number =>
    wrong.slice(0, wrong.indexOf(entry)).filter(([, place]) => place === entry[1]).length;
  for (const turn of Map.groupBy(wrong, turnOf).values()) {
    const text = await refusal(mergedAll(turn.map(([values]) => values)));
    for (const [, place] of turn) assert.match(text, new RegExp(`at '${place}`));
  }
});

test('a value that would do nothing is refused, with the way to fix it', async () => {
  const dataplane = { proxyMode: 'dataplane' };
  const elsewhere = { server: { enabled: false }, externalServers: { enabled: true, hosts: ['a', 'b'] } };
  for (const [values, text] of [
    [
      { connectInject: dataplane, registrar: { enabled: false } },
      /registrar\.enabled=false: .* leave it "-"/,
    ],
    [
      { ...elsewhere, connectInject: dataplane },
      /one name for all Consul servers; set connectInject\.serverAdd/,
    ],
    [{ ...elsewhere, client: { enabled: false } }, /one name for all Consul servers.* or proxyMode=agent/],
    [
      { connectInject: { ...dataplane, sidecarProxy: { kind: 'builtin' } } },
      /sidecarProxy\.kind=builtin is for agent mode.* leave it envoy/,
    ],
    [{ syncCatalog: { toK8S: true } }, /toK8S with pods in agent mode: set global\.owner/],
    [
      { connectInject: { ...dataplane, agentTls: { enabled: true } } },
      /agentTls is for agent mode.*set connectInject\.proxyMode=agent/,
    ],
    [{ connectInject: { agentTls: { enabled: true } } }, /agentTls: name the CA .* global\.tls\.caCert/],
  ] as const)
    assert.match(await refusal(values), text);
});

test('all values that would do nothing are told at once', async () => {
  const useless = [
    [
      { connectInject: { serverAddresses: 'a' } },
      /serverAddresses is for dataplane mode.*set connectInject\.prox/,
    ],
    [
      { connectInject: { serviceNames: 'service' } },
      /serviceNames=service is for dataplane mode.*leave it auto/,
    ],
    [
      { connectInject: { metrics: { defaultEnableMerging: true } } },
      /metrics\.defaultEnableMerging is for dataplane mode.*leave it out/,
    ],
    [
      { connectInject: { agentTls: { serverName: 'a' } } },
      /agentTls\.serverName is for connectInject\.agentTls\.enabled, which is off/,
    ],
    [
      { syncCatalog: { k8sPrefix: 'consul-' } },
      /syncCatalog\.k8sPrefix is for syncCatalog\.toK8S, which is off/,
    ],
    [{ syncCatalog: { k8sWriteNamespace: 'x' } }, /syncCatalog\.k8sWriteNamespace is for syncCatalog\.toK8S/],
    [{ syncCatalog: { toK8STag: 'x' } }, /syncCatalog\.toK8STag is for syncCatalog\.toK8S/],
    [{ syncCatalog: { toK8SFilter: 'x' } }, /syncCatalog\.toK8SFilter is for syncCatalog\.toK8S/],
  ] as const;
  const text = await refusal(mergedAll(useless.map(([values]) => values)));
  for (const [, sentence] of useless) assert.match(text, sentence);
});

test('values that contradict each other are told all at once', async () => {
  const text = await refusal({
    server: { replicas: 5, bootstrapExpect: 3 },
    externalServers: { enabled: true, hosts: [] },
    global: { gossipEncryption: { secretName: 'gossip' }, tls: { enabled: true } },
    syncCatalog: { toConsul: false, authMethod: 'sync', aclSyncToken: { secretName: 'token' } },
    connectInject: { replicas: 3, disruptionBudget: { minAvailable: 3 } },
  });
  for (const problem of [
    /externalServers\.enabled: set server\.enabled=false/,
    /externalServers\.hosts is empty/,
    /global\.tls\.enabled: name the CA/,
    /server\.bootstrapExpect=3 is below server\.replicas=5/,
    /gossipEncryption: secretName and secretKey belong together/,
    /syncCatalog\.toConsul and toK8S are both false/,
    /syncCatalog\.authMethod logs in/,
    /connectInject\.disruptionBudget\.minAvailable=3 of 3 replicas/,
  ])
    assert.match(text, problem);
});

test('a key without the name of its Secret would leave gossip readable', async () => {
  for (const gossipEncryption of [{ secretKey: 'key' }, { secretName: 'gossip', secretKey: '' }])
    assert.match(
      await refusal({ global: { gossipEncryption } }),
      /gossipEncryption: .* set both, or gossip is not encrypted/,
    );
});

test('a name that objects cannot have is refused before any of them is made', async () => {
  const said = async (name: string, values: object = {}): Promise<string> =>
    renderChart(values, { name, namespace: 'tandem' }).then(
      () => 'taken',
      (error: unknown) => String(property(error, 'stderr')),
    );
  for (const name of ['mesh.east', '1mesh', 'm'.repeat(36)])
    assert.match(await said(name), new RegExp(`"${name}-tandem", made from the .*set global\\.name`));
  for (const name of ['mesh.east', '1mesh', 'm'.repeat(53)])
    assert.equal(await said(name, { global: { name: 'mesh' } }), 'taken');
  assert.equal(await said('m'.repeat(35)), 'taken');
});

test('names that YAML does not read as text are refused', async () => {
  const said = (name: string, namespace: string): Promise<string> =>
    renderChart({ global: { name: 'mesh' } }, { name, namespace }).then(
      () => 'taken',
      (error: unknown) => String(property(error, 'stderr')),
    );
  assert.match(await said('tandem', '123'), /the namespace of the release: YAML reads "123" as a number/);
  assert.match(await said('0x1f', 'mesh'), /the name of the release: YAML reads "0x1f" as a number/);
  assert.match(await said('tandem', 'on'), /the namespace of the release: YAML reads "on" as a number or a/);
  assert.match(await refusal({ tests: { namespace: '1e3' } }), /tests\.namespace: YAML reads "1e3"/);
  assert.equal(await said('1a', '1-2'), 'taken');
});

test('what is no host among the external servers is refused: it would be part of a URL', async () => {
  const wrong = ['https://consul.example', '10.0.0.1:8501', '[fd00::1]', 'a,b'];
  const secret = 'exec=discover -q addrs provider=aws secret_access_key=hunter2';
  const hosts = ['consul.example', '10.0.0.1', 'fd00::1', '::ffff:10.0.0.1', ...wrong, secret];
  const text = await refusal({ server: { enabled: false }, externalServers: { enabled: true, hosts } });
  const named = [...text.matchAll(/externalServers\.hosts: "(.*)" is neither a DNS name nor an IP address/g)];
  assert.deepEqual(
    named.map(([, host]) => host),
    wrong,
  );
  assert.match(text, /externalServers\.hosts: one of them is neither/);
  assert.doesNotMatch(text, /hunter2/);
  const serverAddresses = 'consul.example:8502';
  const dataplane = { client: { enabled: false }, connectInject: { serverAddresses } };
  assert.match(await refusal(dataplane), /serverAddresses: "consul\.example:8502" is neither/);
});

test('a part that has nothing to work with is refused', async () => {
  const off = { enabled: false };
  const none = { server: off, client: off, connectInject: off, syncCatalog: off };
  assert.match(await refusal({ ...none, client: { enabled: true } }), /client\.enabled: no servers to join/);
  assert.match(await refusal({ ...none, syncCatalog: { enabled: true } }), /syncCatalog\.enabled: no Consul/);
  assert.match(await refusal({ ...none, registrar: { enabled: true } }), /registrar\.enabled: no Consul/);
  assert.match(await refusal({ ...none, ui: { enabled: true } }), /ui\.enabled: .* server\.enabled is off/);
  assert.match(await refusal({ ...none, dns: { enabled: true } }), /dns\.enabled: neither servers nor/);
});
