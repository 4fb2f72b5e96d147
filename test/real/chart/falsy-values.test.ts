/** 0, false and "" are values: the chart does what they say, or refuses them, but never takes its default instead. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { CHART, refusal, renderChart } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { merged, mergedAll, valuesWith } from './merged-values.ts';

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

// Together they have a use for every value; the first one for most.
const setups: readonly object[] = [
  {
    global: { secure: true, owner: 'one' },
    connectInject: { networkPolicy: { enabled: true } },
    syncCatalog: { toK8S: true, ingress: { enabled: true }, networkPolicy: { enabled: true } },
  },
  { client: { enabled: false } },
  {},
  { configEntries: { installCRDs: true } },
];

/** The leaves that the schema takes with this value. */
async function taken(value: unknown): Promise<readonly Leaf[]> {
  const all = mergedAll(leaves.map(({ path }) => valuesWith(path, value)));
  const refused = new Set([...(await refusal(all)).matchAll(/at '\/([^']*)'/g)].map(([, place]) => place));
  return leaves.filter(({ path }) => !refused.has(path.join('/')));
}

/** Refused, or rendered otherwise than without it. */
async function isHonoured(leaf: Leaf, value: unknown): Promise<boolean> {
  for (const setup of setups) {
    const { text } = await renderChart(setup);
    const changed = await renderChart(merged(setup, valuesWith(leaf.path, value)) as object).then(
      (chart) => chart.text,
      () => 'refused',
    );
    if (changed !== text) return true;
  }
  return false;
}

/** Those of the leaves that make no difference with this value. */
async function ignored(some: readonly Leaf[], value: unknown): Promise<readonly string[]> {
  assert.ok(some.length >= 4);
  const honoured = await Promise.all(some.map((leaf) => isHonoured(leaf, value)));
  return some.filter((_, index) => !honoured[index]).map(({ path }) => path.join('.'));
}

for (const value of [0, false])
  test(`${value} is never read as "not set"`, async () => {
    const different = (await taken(value)).filter(({ byDefault }) => byDefault !== value);
    assert.deepEqual(await ignored(different, value), []);
  });

test('"" is "not set" only where that is the default, as values.yaml says', async () => {
  const set = (await taken('')).filter(
    // To Kubernetes an empty class means a volume that nobody provisions, and null its default.
    ({ path, byDefault }) =>
      !['', null].includes(byDefault as null) || path.join('.') === 'server.storageClass',
  );
  assert.deepEqual(await ignored(set, ''), []);
});

test('what no cluster can have is refused at once', async () => {
  for (const storage of [0, '0', '0Gi', '0.0'])
    assert.match(await refusal({ server: { storage } }), /at '\/server\/storage'/);
  assert.match(await refusal({ tests: { namespace: '' } }), /at '\/tests\/namespace'/);
});
