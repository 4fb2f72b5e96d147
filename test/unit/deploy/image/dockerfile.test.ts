/** The Dockerfile is of the list of which `npm run image` is made, and its last stage adds nothing to it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dockerfile } from '../../../../deploy/image/dockerfile.ts';
import { image } from '../../../../deploy/image/image.ts';

const committed = readFileSync(join(import.meta.dirname, '../../../../Dockerfile'), 'utf8');
const lastStage = committed.slice(committed.lastIndexOf('\nFROM '));

test('the Dockerfile is what is committed', () => {
  assert.equal(committed, dockerfile(), 'Dockerfile is stale: npm run docs');
});

test('the last stage installs its packages and no more, belongs to nobody, and takes no more than the bundle and the licence', () => {
  const runs = [...lastStage.matchAll(/^RUN (.*(?:\n  .*)*)$/gm)].map(
    ([, text = '']) => text.split(' && ').length,
  );
  assert.deepEqual(runs, [3]);
  assert.match(lastStage, /apt-get install --yes --no-install-recommends nftables /);
  assert.match(lastStage, /^USER 65532:65532$/m);
  const copies = [...lastStage.matchAll(/^COPY (.*)$/gm)].map(([, text]) => text);
  assert.deepEqual(copies, ['--from=build /bundle /app', 'LICENSE /app/LICENSE']);
});

test('both stages stand on the Node.js that is asked for', () => {
  const stages = [...committed.matchAll(/^FROM (\S+)/gm)].map(([, name]) => name);
  assert.deepEqual(stages, [`node:${image.node}-slim`, `node:${image.node}-slim`]);
});

test('docs/install.md names the archive that npm run image writes', () => {
  const install = readFileSync(join(import.meta.dirname, '../../../../docs/install.md'), 'utf8');
  assert.ok(install.includes(`kind load image-archive dist/${image.name.replace(':', '-')}.tar`));
});
