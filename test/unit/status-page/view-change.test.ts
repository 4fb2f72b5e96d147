/** A reader who applies every change has what a reader has who loads the page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changeOf, type ViewChange } from '../../../src/status-page/view-change.ts';
import { viewOf, type View } from '../../../src/status-page/view.ts';
import { admission, everything, service, synced, webhookStatus } from './sample-status.ts';

type Screen = Map<string, [string, string][]>;

/** As the script of the page does it. */
function apply(screen: Screen, change: ViewChange | undefined): void {
  for (const { id, isWhole, remove, put } of change?.tables ?? []) {
    const kept = (key: string): boolean =>
      isWhole ? put.some(([each]) => each === key) : !remove.includes(key);
    const rows = (screen.get(id) ?? []).filter(([key]) => kept(key));
    for (const [key, html, below] of put) {
      const old = rows.findIndex(([each]) => each === key);
      if (old !== -1) rows.splice(old, 1);
      const at = rows.findIndex(([each]) => each === below);
      rows.splice(at === -1 ? rows.length : at, 0, [key, html]);
    }
    screen.set(id, rows);
  }
}

function screenOf(view: View): Screen {
  return new Map(view.tables.map(({ table, rows }) => [table.id, [...rows]]));
}

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));
const states = fc.tuple(names, names, fc.integer({ min: 0, max: 5 }));

test('changes add up to the view', () => {
  fc.assert(
    fc.property(fc.array(states, { minLength: 1, maxLength: 6 }), (steps) => {
      const screen: Screen = new Map();
      const pieces = new Map<string, string>();
      let before: View | undefined;
      let number = 0;
      for (const [services, wrong, admitted] of steps) {
        number += admitted;
        const view = viewOf(
          {
            ...synced(
              services.map((name) => service(name, { problems: wrong.includes(name) ? ['wrong'] : [] })),
            ),
            webhook: webhookStatus(
              Array.from({ length: Math.min(number, 4) }, (_, at) => admission(number - at)),
            ),
          },
          undefined,
          everything,
        );
        const change = changeOf(before, view);
        for (const [key, html] of change?.pieces ?? []) pieces.set(key, html);
        apply(screen, change);
        assert.deepEqual(screen, screenOf(view));
        assert.deepEqual(pieces, view.pieces);
        before = view;
      }
    }),
  );
});

test('nothing is sent of what is the same', () => {
  const view = (instances: number): View =>
    viewOf(synced([service('a'), service('b', { instances })]), undefined, everything);
  assert.equal(changeOf(view(1), view(1)), undefined);
  const change = changeOf(view(1), view(2));
  assert.deepEqual(change?.pieces, []);
  assert.deepEqual(
    change?.tables.map(({ id, isWhole, remove, put }) => [id, isWhole, remove, put.map(([key]) => key)]),
    [['services', false, [], ['Service/default/b']]],
  );
});
