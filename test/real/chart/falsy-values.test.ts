/** 0, false and "" are values: the chart does what they say, or refuses them, but never takes its default instead. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { CHART, refusal, renderChart } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';

await startScene(['helm']);

type Leaf = { readonly path: readonly string[]; readonly byDefault: unknown };

// What Kubernetes defines below a key has rules of its own there.
const OF_KUBERNETES = ['securityContext', 'nodeSelector'];

function leavesOf(value: unknown, path: readonly string[] = []): readonly Leaf[] {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isMap && !OF_KUBERNETES.includes(path.at(-1) ?? '') ? Object.entries(value) : [];
  if (entries.length > 0) return entries.flatMap(([key, below]) => leavesOf(below, [...path, key]));
  return [{ path, byDefault: value }];
}

const leaves = leavesOf(parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')));

function merged(left: unknown, right: unknown): unknown {
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap(left) || !isMap(right)) return right;
  const both = Object.entries(right).map(([key, value]) => [key, merged(left[key], value)]);
  return { ...left, ...Object.fromEntries(both) };
}

function valuesWith({ path }: Leaf, value: unknown): object {
  return path.reduceRight<unknown>((below, key) => ({ [key]: below }), value) as object;
}

// Together they have a use for every value.
const setups: readonly object[] = [
  {},
  { client: { enabled: false } },
  { global: { secure: true } },
  {
    connectInject: { networkPolicy: { enabled: true } },
    syncCatalog: { ingress: { enabled: true } },
    configEntries: { enabled: true },
  },
];

/** The leaves that the schema takes with this value. */
async function taken(value: unknown): Promise<readonly Leaf[]> {
  const all = leaves
    .map((leaf) => valuesWith(leaf, value))
    .reduce((sum, each) => merged(sum, each) as object);
  const refused = new Set([...(await refusal(all)).matchAll(/at '\/([^']*)'/g)].map(([, place]) => place));
  return leaves.filter(({ path }) => !refused.has(path.join('/')));
}

/** Refused, or rendered otherwise than without it. */
async function isHonoured(leaf: Leaf, value: unknown): Promise<boolean> {
  for (const setup of setups) {
    const { text } = await renderChart(setup);
    const changed = await renderChart(merged(setup, valuesWith(leaf, value)) as object).then(
      (chart) => chart.text,
      () => 'refused',
    );
    if (changed !== text) return true;
  }
  return false;
}

async function ignored(value: unknown): Promise<readonly string[]> {
  const different = (await taken(value)).filter(({ byDefault }) => byDefault !== value);
  assert.ok(different.length >= 5);
  const honoured = await Promise.all(different.map((leaf) => isHonoured(leaf, value)));
  return different.filter((_, index) => !honoured[index]).map(({ path }) => path.join('.'));
}

test('0 and false are never read as "not set"', async () => {
  assert.deepEqual(await ignored(0), []);
  assert.deepEqual(await ignored(false), []);
});

test('"" is "not set" only where that is the default, as values.yaml says', async () => {
  const unset = leaves.filter(({ byDefault }) => byDefault === null).map(({ path }) => path.join('.'));
  const same = await ignored('');
  assert.deepEqual(
    same.filter((path) => !unset.includes(path)),
    [],
  );
  // To Kubernetes it means a volume that nobody provisions.
  assert.ok(!same.includes('server.storageClass'));
});

test('what no cluster can have is refused at once', async () => {
  for (const storage of [0, '0', '0Gi', '0.0'])
    assert.match(await refusal({ server: { storage } }), /at '\/server\/storage'/);
  assert.match(await refusal({ tests: { namespace: '' } }), /at '\/tests\/namespace'/);
});
