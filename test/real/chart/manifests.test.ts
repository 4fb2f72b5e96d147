/** deploy/manifests is what the chart renders; UPDATE_MANIFESTS=1 writes it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { manifestValues, plainManifests } from '../../../deploy/manifests/from-chart.ts';
import { renderChart } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';

await startScene(['helm']);
const FOLDER = join(import.meta.dirname, '../../../deploy/manifests');
const BY_HAND = ['kustomization.yaml', 'namespace.yaml'];

test('every plain manifest is what the chart renders, and there is no other', async () => {
  const manifests = plainManifests((await renderChart(manifestValues)).text);
  assert.ok(manifests.size >= 10, [...manifests.keys()].join(' '));
  if (process.env['UPDATE_MANIFESTS'] === '1')
    for (const [file, text] of manifests) writeFileSync(join(FOLDER, file), text);
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  assert.deepEqual(files.toSorted(), [...manifests.keys(), ...BY_HAND].toSorted());
  for (const [file, text] of manifests)
    assert.equal(
      readFileSync(join(FOLDER, file), 'utf8'),
      text,
      `${file} is stale: UPDATE_MANIFESTS=1 node --test test/real/chart/manifests.test.ts`,
    );
});
