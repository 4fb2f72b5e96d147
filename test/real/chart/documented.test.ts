/** Values and commands of the documents: the chart takes them as they stand there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { commands as tandemCommands, isCommandName } from '../../../src/cli/commands.ts';
import { flagName, parseFlags } from '../../../src/config/parse-flags.ts';
import { toConsulFlags } from '../../../src/config/sync-settings.ts';
import { at, CHART, renderChart, runHelm, WITHOUT_CRDS } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { ROOT } from '../harness/shipped-manifests.ts';

await startScene(['helm']);

function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

test('every set of values in docs/install.md is taken', async () => {
  const blocks = [...textOf('docs/install.md').matchAll(/```yaml\n([^`]*)```/g)].map(([, text = '']) => text);
  const values = blocks.filter((text) => !/^# (?:kustomization|Chart)\.yaml/.test(text));
  assert.ok(values.length >= 6);
  for (const text of values) assert.ok((await renderChart(parse(text) as object)).objects.length > 0, text);
});

test('what the replicas make themselves, and helm leaves, is named with the command that removes it', async () => {
  const { objects } = await renderChart();
  const made = objects
    .filter(({ kind }) => kind === 'Role')
    .flatMap((role) => at(role, 'rules') as readonly unknown[])
    .filter((rule) => ['secrets', 'leases'].includes(String(at(rule, 'resources', 0))))
    .flatMap((rule) =>
      ((at(rule, 'resourceNames') ?? []) as readonly string[]).map(
        (name) => `${String(at(rule, 'resources', 0)).replace(/s$/, '')}/${name}`,
      ),
    );
  assert.deepEqual(made.toSorted(), [
    'lease/tandem-sync',
    'lease/tandem-webhook-tls',
    'secret/tandem-webhook-tls',
  ]);
  const [, command = ''] = /^kubectl -n tandem delete (secret.*)$/m.exec(textOf('docs/install.md')) ?? [];
  assert.deepEqual(command.split(' ').toSorted(), made.toSorted());
});

test('the rights in docs/to-kubernetes.md are those that the chart gives', async () => {
  const blocks = [...textOf('docs/to-kubernetes.md').matchAll(/```yaml\n([^`]*)```/g)].map(([, text = '']) =>
    parse(text),
  );
  const [role, clusterRole] = blocks.map((block: unknown) => at(block, 'rules'));
  const chart = await renderChart({
    client: { enabled: false },
    connectInject: { enabled: false },
    global: { owner: 'east' },
    syncCatalog: { toConsul: false, toK8S: true, k8sWriteNamespace: 'from-consul' },
  });
  assert.deepEqual(role, at(chart.one('Role', 'tandem-sync-to-k8s'), 'rules'));
  assert.deepEqual(clusterRole, at(chart.one('ClusterRole', 'tandem-sync'), 'rules'));
});

test('every helm command of the documents is taken, with its --set', async () => {
  const files = [
    'README.md',
    'docs/install.md',
    'docs/openshift.md',
    'docs/registrar.md',
    'docs/secure.md',
    'docs/to-kubernetes.md',
  ];
  const commands = files.flatMap((file) =>
    [
      ...textOf(file)
        .replaceAll('\\\n', ' ')
        .matchAll(/^helm (?:install|upgrade) tandem (.*)$/gm),
    ].map(([, rest = '']) => [...rest.matchAll(/--set (\S+)/g)].map(([, value]) => `--set=${value}`)),
  );
  assert.ok(commands.length >= 8);
  for (const set of commands)
    assert.match(
      await runHelm(['template', 'tandem', CHART, '--namespace=tandem', WITHOUT_CRDS, ...set]),
      /kind: /,
    );
});

/** The README's quick start. */
const QUICK_START = { server: { replicas: 1 } };

/** `kubectl exec` of the documents: the Deployment, and what follows the program of the image. */
function commandsInPods(): readonly { readonly deployment: string; readonly words: readonly string[] }[] {
  const command = /kubectl -n tandem exec deployment\/(\S+) -- node \/app\/tandem\.js ([^\n`]+)/g;
  return ['README.md', 'docs/troubleshooting.md'].flatMap((file) =>
    [...textOf(file).matchAll(command)].map(([, deployment = '', rest = '']) => ({
      deployment,
      words: rest.split(' '),
    })),
  );
}

test('every command that the documents run in a pod takes its flags, and has those of the quick start', async () => {
  const { objects } = await renderChart(QUICK_START);
  const commands = commandsInPods();
  assert.ok(commands.length >= 5);
  for (const { deployment, words } of commands) {
    const [name = '', ...rest] = words;
    const line = words.join(' ');
    const found = objects.find(
      (each) => each.kind === 'Deployment' && at(each, 'metadata', 'name') === deployment,
    );
    const [, ...installed] = (at(found, 'spec', 'template', 'spec', 'containers', 0, 'args') ??
      []) as string[];
    assert.ok(isCommandName(name), line);
    const { flags } = await tandemCommands[name].load();
    const parsed = parseFlags(flags, rest, {});
    assert.deepEqual(parsed.ok ? [] : parsed.problems, [], line);
    const { values } = parsed;
    const known = installed.filter((flag) => Object.keys(flags).some((key) => isFlag(flag, key)));
    const settings = parseFlags(flags, known, {}).values;
    // Those that decide about names, and about what is looked at.
    const named = ['proxyMode', 'registrar', ...(name === 'check' ? [] : Object.keys(toConsulFlags))];
    for (const key of named) assert.deepEqual(values[key], settings[key], `${line}: ${flagName(key)}`);
    const [address] = (values['consulHttpAddr'] ?? []) as readonly string[];
    const { hostname, port } = new URL(address ?? 'http://none');
    const ports = objects
      .filter((each) => each.kind === 'Service' && at(each, 'metadata', 'name') === hostname)
      .flatMap((each) => (at(each, 'spec', 'ports') ?? []) as readonly unknown[]);
    const isServed = ports.some((each) => String(at(each, 'port')) === port);
    // The webhook asks no Consul, and tandem secure the pods themselves.
    const asksNobody = deployment === 'tandem-webhook' || !('consulHttpAddr' in flags);
    assert.ok(isServed || asksNobody, `${line}: no Service at ${hostname}:${port}`);
  }
});

function isFlag(argument: string, key: string): boolean {
  return argument.split('=')[0] === flagName(key);
}

test('the values of the changelog keep what was', async () => {
  const [, values = ''] = /```yaml\n([^`]*)```/.exec(textOf('CHANGELOG.md')) ?? [];
  const kept = await renderChart({ client: { enabled: false }, ...(parse(values) as object) });
  const before = await renderChart({ client: { enabled: false } });
  assert.ok(before.objects.some(({ metadata }) => metadata.name === 'tandem-redirector'));
  assert.ok(!kept.objects.some(({ metadata }) => metadata.name === 'tandem-redirector'));
  const args = (text: string): readonly string[] =>
    text.match(/--(?:transparent-proxy|service-names)\b\S*/g) ?? [];
  assert.ok(args(before.text).includes('--transparent-proxy'), before.text);
  assert.ok(!args(kept.text).includes('--transparent-proxy'));
  assert.ok(args(kept.text).includes('--service-names=container'));
});
