/** The values of transparent proxy: who redirects, with which rights, and what the webhook is asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redirectorCommand } from '../../../src/cli/redirector-command.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { BOOLEAN_WORDS } from '../../../src/support/text.ts';
import { at, renderChart, type Rendered } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';

await startScene(['helm']);

type Values = Readonly<Record<string, unknown>>;

async function inject(values: Values): Promise<Rendered> {
  return renderChart({ connectInject: values });
}

function webhookFlags(chart: Rendered): readonly string[] {
  const container = at(
    chart.one('Deployment', 'tandem-webhook'),
    'spec',
    'template',
    'spec',
    'containers',
    0,
  );
  const args = at(container, 'args') as readonly string[];
  return args.filter((word) => /^--(transparent-proxy|redirect|consul-dns-redirection)/.test(word));
}

test('every value reaches its flag', async () => {
  assert.deepEqual(webhookFlags(await inject({})), [
    '--transparent-proxy',
    '--transparent-proxy-overwrite-probes=true',
    '--redirection=node',
    '--redirect-image=tandem:0.1.0',
  ]);
  const dns = { enableRedirection: true };
  const dataplane = { proxyMode: 'dataplane', serverAddresses: 'consul.example', transparentProxy: { dns } };
  assert.equal(webhookFlags(await inject(dataplane)).at(-1), '--consul-dns-redirection');
  const off = { defaultEnabled: false, defaultOverwriteProbes: false, redirection: 'init', image: 'nft:1' };
  assert.deepEqual(webhookFlags(await inject({ transparentProxy: off })), [
    '--transparent-proxy-overwrite-probes=false',
    '--redirection=init',
    '--redirect-image=nft:1',
  ]);
});

test('the redirector runs on every node, with three capabilities and no folder of the node', async () => {
  const chart = await inject({ logLevel: 'debug' });
  const pod = at(chart.one('DaemonSet', 'tandem-redirector'), 'spec', 'template', 'spec') as Values;
  assert.deepEqual([pod['hostPID'], pod['hostNetwork'], pod['volumes']], [true, undefined, undefined]);
  assert.deepEqual(pod['tolerations'], [{ operator: 'Exists' }]);
  assert.equal(pod['priorityClassName'], 'system-node-critical');
  assert.deepEqual(at(pod, 'containers', 0, 'securityContext'), {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    appArmorProfile: { type: 'Unconfined' },
    capabilities: { drop: ['ALL'], add: ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE'] },
  });
  // 250 pods with the longest lists, for whose rules the kernel charges it: 1.2 MB each; and 150 MB for itself and nft.
  assert.equal(at(pod, 'containers', 0, 'resources', 'limits', 'memory'), '512Mi');
  const [command, ...args] = at(pod, 'containers', 0, 'args') as string[];
  const parsed = parseFlags(redirectorCommand.flags, args, { NODE_NAME: 'node-1' });
  assert.ok(command === 'redirector' && parsed.ok);
  assert.equal((parsed.values as Values)['logLevel'], 'debug');
  assert.deepEqual(at(chart.one('ClusterRole', 'tandem-redirector'), 'rules'), [
    { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ]);
});

test('its values reach the DaemonSet', async () => {
  const redirector = {
    resources: { limits: { memory: '99Mi' } },
    tolerations: [{ key: 'a', operator: 'Exists' }],
    priorityClassName: 'mine',
    nodeSelector: { pool: 'a' },
    securityContext: { seLinuxOptions: { type: 'spc_t' } },
  };
  const chart = await inject({ transparentProxy: { redirector } });
  const pod = at(chart.one('DaemonSet', 'tandem-redirector'), 'spec', 'template', 'spec') as Values;
  assert.deepEqual(pod['tolerations'], redirector.tolerations);
  assert.equal(pod['priorityClassName'], 'mine');
  assert.deepEqual(pod['nodeSelector'], { 'kubernetes.io/os': 'linux', pool: 'a' });
  assert.equal(at(pod, 'containers', 0, 'resources', 'limits', 'memory'), '99Mi');
  assert.equal(at(pod, 'containers', 0, 'securityContext', 'seLinuxOptions', 'type'), 'spc_t');
  assert.ok(!chart.has('ResourceQuota', 'tandem-redirector'));
});

for (const [name, values, isThere] of [
  ['by default', {}, true],
  ['when only pods ask for it', { transparentProxy: { defaultEnabled: false } }, true],
  ['with cni.enabled of consul-k8s', { cni: { enabled: true } }, true],
  ['with containers of the pods', { transparentProxy: { redirection: 'init' } }, false],
  ["with Consul's builtin proxy", { proxyMode: 'agent', sidecarProxy: { kind: 'builtin' } }, false],
  ['with users of the cluster', { sidecarProxy: { runAsUser: 'none' } }, false],
] as const)
  test(`a redirector ${name}: ${isThere}`, async () => {
    const chart = await inject(values);
    assert.equal(chart.has('DaemonSet', 'tandem-redirector'), isThere);
    const isPossible = !('sidecarProxy' in values);
    if (!isPossible) assert.ok(!webhookFlags(chart).includes('--transparent-proxy'));
  });

for (const [values, sentence] of [
  [
    { proxyMode: 'agent', transparentProxy: { dns: { enableRedirection: true } } },
    /dns.enableRedirection is for dataplane mode/,
  ],
  [
    { cni: { enabled: true, cniBinDir: '/x' } },
    /connectInject.cni.cniBinDir: nothing is written to the node/,
  ],
  [
    { cni: { enabled: true }, transparentProxy: { redirection: 'init' } },
    /cni.enabled means .*redirection=node/,
  ],
] as const)
  test(`refused: ${sentence.source}`, () => assert.rejects(inject(values), sentence));

test('a namespace meets one entry for each way of injection, by all words of a boolean', async () => {
  const webhooks = at((await inject({})).one('MutatingWebhookConfiguration', 'tandem-webhook'), 'webhooks');
  const entries = (webhooks as unknown[]).map((entry) => {
    const label = (at(entry, 'namespaceSelector', 'matchExpressions') as readonly Values[]).find(
      ({ key }) => key === 'consul.hashicorp.com/transparent-proxy',
    );
    return { path: String(at(entry, 'clientConfig', 'service', 'path')), ...label } as {
      readonly path: string;
      readonly operator: 'In' | 'NotIn';
      readonly values: readonly string[];
    };
  });
  for (const word of [...BOOLEAN_WORDS.split(' '), 'yes', '']) {
    const met = entries.filter(({ operator, values }) => values.includes(word) === (operator === 'In'));
    const isTrue = ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(word);
    const end = BOOLEAN_WORDS.split(' ').includes(word) ? `/transparent-proxy-${isTrue ? 'on' : 'off'}` : '';
    assert.deepEqual(
      met.map(({ path }) => path),
      [`/mutate${end}`, `/mutate/default-on${end}`],
      word,
    );
  }
});
