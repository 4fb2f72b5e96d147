/** What docs/troubleshooting.md says of every controller and of every row in `/status` holds for each. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  agents,
  configEntries,
  configEntry,
  consulService,
  pod,
  registrar,
  secure,
  service,
  statusOf,
  toConsul,
  toKubernetes,
  tokens,
} from './sample-status.ts';

const document = readFileSync(join(import.meta.dirname, '../../../docs/troubleshooting.md'), 'utf8');

/** The names in the sentence that begins so. */
function namedAfter(beginning: string): readonly string[] {
  const [, text = ''] = document.split(beginning);
  const [sentence = ''] = text.replaceAll(/\([^)]*\)/g, '').split('. ');
  return [...sentence.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
}

test('every controller and every row has what the document names', () => {
  const status = statusOf([
    toConsul([service('web')]),
    toKubernetes([consulService('db')]),
    registrar([pod('Pod/a/b')]),
    agents(),
    tokens({ refused: '403' }),
    configEntries([configEntry('shop/web')]),
    secure([{ source: 'Pod/a/b', reason: 'loaded', problems: [], refused: undefined, since: undefined }]),
  ]);
  const ofController = namedAfter('Every controller has ');
  const ofRow = namedAfter('Every row has ');
  assert.ok(ofController.length === 7 && ofRow.length === 5, `${ofController.join()} ${ofRow.join()}`);
  for (const controller of status.controllers) {
    assert.ok(document.includes(`\`${controller.controller}\``), controller.controller);
    assert.deepEqual(
      ofController.filter((name) => !(name in controller)),
      [],
      controller.controller,
    );
    for (const row of controller.rows)
      assert.deepEqual(
        ofRow.filter((name) => !(name in row)),
        [],
        controller.controller,
      );
  }
});
