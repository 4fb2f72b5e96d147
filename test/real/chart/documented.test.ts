/** Values and commands of the documents: the chart takes them as they stand there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { at, CHART, renderChart, runHelm } from '../harness/chart.ts';
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

test('every helm command of the documents is taken, with its --set', async () => {
  const files = [
    'README.md',
    'docs/install.md',
    'docs/openshift.md',
    'docs/registrar.md',
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
    assert.match(await runHelm(['template', 'tandem', CHART, '--namespace=tandem', ...set]), /kind: /);
});
