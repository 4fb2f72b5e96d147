import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { environmentOf, expand } from '../../../src/inject/expand.ts';
import { REGISTRATION } from '../../../src/inject/names.ts';

const none = new Map<string, string>();

function variables(env: readonly object[]): ReadonlyMap<string, string> {
  return environmentOf({ env }, none);
}

describe('expansion as the kubelet does it', () => {
  const known = new Map([['A', 'x']]);
  const cases: readonly (readonly [string, string])[] = [
    ['$(A)$(A)', 'xx'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$x'],
    ['$(B)', '$(B)'],
    ['$(A', '$(A'],
    ['$(A) and $$ and $(A', 'x and $ and $(A'],
    ['$($(A)', '$($(A)'],
    ['$', '$'],
  ];
  for (const [text, expected] of cases)
    it(`${text} becomes ${expected}`, () => assert.equal(expand(text, known), expected));
});

// Whoever may create a pod writes such variables in a few kilobytes.
describe('variables that no process could be started with', () => {
  it('are absent when each doubles the one before it', () => {
    const doubled = Array.from({ length: 64 }, (_, at) => ({
      name: `V${at + 1}`,
      value: `$(V${at})$(V${at})`,
    }));
    const found = variables([{ name: 'V0', value: 'x' }, ...doubled, { name: 'LAST', value: 'there' }]);
    assert.equal(found.get('V17')?.length, 131_072);
    assert.equal(found.has('V18'), false);
    assert.equal(found.get('LAST'), 'there');
  });

  it('are absent when one takes another a thousand times', () => {
    const found = variables([
      { name: 'A', value: 'x'.repeat(100_000) },
      { name: REGISTRATION, value: '$(A)'.repeat(100_000) },
    ]);
    assert.equal(found.has(REGISTRATION), false);
  });

  it('are not read on when all together are too many', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({ name: `V${at}`, value: '$(A)' }));
    const found = variables([{ name: 'A', value: 'x'.repeat(100_000) }, ...many]);
    assert.ok(found.size < 100);
  });
});

it('takes no time for opening brackets that nothing closes', { timeout: 5000 }, () => {
  const text = '$('.repeat(700_000);
  assert.equal(expand(text, none), undefined);
  const short = '$('.repeat(60_000);
  assert.equal(expand(short, none), short);
});
