/**
 * Each rule of the chart is in a rendering whose rights are taken away one by one. Those of config entries, the webhook, the
 * redirector and `helm test` are taken here, all others in sync-rights.test.ts and in test/real/secure.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CHART, runHelm, withoutCrds } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { everyPartsRights } from './every-parts-rights.ts';
import { everythingElse, SECURE, syncRenderings } from './taken-renderings.ts';

const isAll = process.env['TANDEM_EVERY_RIGHT'] !== undefined;
const scene = await startScene(isAll ? ['etcd', 'kube-apiserver', 'consul', 'helm'] : ['helm']);

// Before any test, because a scene ends with its tests.
if (isAll) await everyPartsRights(scene);

/** A list of a rule, and what is added to one under a condition. */
const LIST = /^ *(?:- )?(?:resources|nonResourceURLs|verbs): .*$/gm;
const BEGINNING = /\[(?=[a-z{/])|\{\{ if [^}]*\}\}(?:, )?(?=[a-z])/g;

/** Puts a word into each list of each rule of the templates; gives the words, with where they are. */
function markRules(chart: string): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  const templates = join(chart, 'templates');
  for (const name of readdirSync(templates, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:yaml|tpl)$/.test(name)) continue;
    const text = readFileSync(join(templates, name), 'utf8');
    if (!text.includes('verbs:')) continue;
    const marked = text.replace(LIST, (line) =>
      line.replace(BEGINNING, (begin) => {
        const word = `mark-${words.size}-x`;
        words.set(word, `${name}: ${line.trim()}`);
        return `${begin}${word}, `;
      }),
    );
    writeFileSync(join(templates, name), marked);
  }
  return words;
}

test('each rule of the templates is in a rendering whose rights are taken away one by one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-chart-'));
  try {
    cpSync(CHART, folder, { recursive: true });
    const words = markRules(folder);
    assert.ok(words.size > 50, `${words.size}`);
    const all = [...Object.values(SECURE), ...Object.values(syncRenderings()), everythingElse()];
    const texts = await Promise.all(
      all.map((values, index) => {
        const file = join(folder, `values-${index}.json`);
        writeFileSync(file, JSON.stringify(withoutCrds(values)));
        return runHelm(['template', 'tandem', folder, '--namespace=tandem', `--values=${file}`]);
      }),
    );
    const missing = [...words].filter(([word]) => !texts.some((text) => text.includes(word)));
    assert.deepEqual(
      missing.map(([, where]) => where),
      [],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
