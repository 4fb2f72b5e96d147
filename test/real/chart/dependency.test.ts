/** The chart as a dependency: what a parent chart hands down is taken, and mistakes are still found. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { property } from '../../../src/support/json.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { CHART, refusal, renderChart, runHelm, withoutCrds } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';

const scene = await startScene(['helm']);
// Of somebody's platform, and of the charts that share its globals.
const FOREIGN = {
  environmentName: 'production',
  imageRegistry: 'registry.example',
  storageClass: 'fast',
  security: { allowInsecureImages: true },
  labels: { team: 'mesh' },
  metrics: { enabled: true },
  tls: { secretName: 'ingress-tls', caCert: { configMap: 'ca' } },
  gossipEncryption: { algorithm: 'aes' },
  openshift: { scc: 'restricted-v2' },
};

/** A parent chart with this dependency; gives its folder. */
function parentChart(
  name: string,
  dependency: { readonly alias?: string; readonly [key: string]: unknown },
): string {
  const folder = join(scene.folder, name);
  mkdirSync(join(folder, 'charts'), { recursive: true });
  cpSync(CHART, join(folder, 'charts/tandem'), { recursive: true });
  const chart = {
    apiVersion: 'v2',
    name: 'platform',
    version: '0.1.0',
    dependencies: [{ name: 'tandem', version: '0.1.0', repository: '', ...dependency }],
  };
  writeFileSync(join(folder, 'Chart.yaml'), JSON.stringify(chart));
  const values = { [dependency.alias ?? 'tandem']: withoutCrds({}) };
  writeFileSync(join(folder, 'values.yaml'), JSON.stringify(values));
  return folder;
}

function withValues(verb: readonly string[], folder: string, values: object): Promise<string> {
  const file = join(folder, 'given.json');
  writeFileSync(file, JSON.stringify(values));
  return runHelm([...verb, folder, '--namespace=tandem', `--values=${file}`]);
}

async function render(folder: string, values: object): Promise<readonly string[]> {
  const text = await withValues(['template', 'tandem'], folder, values);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null)
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .toSorted();
}

const alone = (await renderChart()).objects
  .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  .toSorted();

test('globals of the parent chart and a condition at the root change nothing', async () => {
  const folder = parentChart('plain', { condition: 'tandem.enabled', tags: ['mesh'] });
  for (const values of [{}, { global: FOREIGN }, { tandem: { enabled: true } }, { tags: { mesh: true } }])
    assert.deepEqual(await render(folder, values), alone);
  assert.deepEqual(await render(folder, { tandem: { enabled: false } }), []);
  assert.deepEqual(await render(folder, { tags: { mesh: false } }), []);
  await withValues(['lint', '--strict', '--quiet'], folder, { global: FOREIGN, tandem: { enabled: true } });
});

test('a dependency under another name, and one that hands its values up', async () => {
  const aliased = parentChart('aliased', { alias: 'mesh', condition: 'mesh.enabled' });
  assert.deepEqual(await render(aliased, { global: FOREIGN, mesh: { enabled: true } }), alone);
  const imports = [{ child: 'server', parent: 'consulServer' }];
  const importing = parentChart('importing', { 'import-values': imports, condition: 'tandem.enabled' });
  assert.deepEqual(await render(importing, { global: FOREIGN }), alone);
});

test('globals of the parent that are ours are read, names of pull secrets included', async () => {
  const folder = parentChart('shared', {});
  const global = { ...FOREIGN, name: 'consul', imagePullSecrets: ['pull'] };
  const text = await withValues(['template', 'tandem'], folder, { global });
  assert.match(text, /name: consul-webhook/);
  assert.match(text, /imagePullSecrets:\n +- name: pull\n/);
});

test('a typo is found under a parent as well, but for its own globals', async () => {
  const folder = parentChart('typos', {});
  for (const [values, text] of [
    [{ severs: {} }, /additional properties 'severs' not allowed/],
    [{ enabld: true }, /additional properties 'enabld' not allowed/],
    [{ server: { replica: 1 } }, /at '\/server': additional properties 'replica' not allowed/],
    [{ enabled: 'yes' }, /at '\/enabled'/],
  ] as const)
    await assert.rejects(render(folder, { tandem: values }), (error) => {
      assert.match(String(property(error, 'stderr')), text);
      return true;
    });
});

test('without a parent chart, a global that is nearly ours is refused', async () => {
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as { readonly global: object };
  const misspelt = Object.keys(values.global).flatMap((name) => {
    const swapped = `${name.slice(0, 1)}${name.charAt(2)}${name.charAt(1)}${name.slice(3)}`;
    const forms = [`${name}s`, name.slice(1), name.toUpperCase(), `${name.slice(0, -1)}_`, swapped];
    return forms.filter((form) => !(form in values.global));
  });
  const said = await refusal({ global: Object.fromEntries(misspelt.map((key) => [key, 'x'])) });
  for (const key of misspelt) assert.match(said, new RegExp(`global\\.${key}, which looks like `));
  for (const key of ['peering', 'metrics', 'logJSON'])
    assert.match(
      await refusal({ global: { [key]: {} } }),
      new RegExp(`global\\.${key} is a value of consul-k8s`),
    );
  const { metrics: _, tls, gossipEncryption, openshift, ...harmless } = FOREIGN;
  const below = await refusal({ global: { tls, gossipEncryption, openshift } });
  for (const place of [
    'tls.secretName',
    'tls.caCert.configMap',
    'gossipEncryption.algorithm',
    'openshift.scc',
  ])
    assert.match(below, new RegExp(`global\\.${place}, which is not known`));
  assert.match(await refusal({ global: { imageK8S: 'x' } }), /set the image with global\.imageTandem\n/);
  assert.match(await refusal({ enabled: false }), /here it is global\.enabled/);
  assert.ok((await renderChart({ enabled: true, global: harmless })).has('Deployment', 'tandem-webhook'));
});
