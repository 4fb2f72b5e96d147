/** A rolling restart in agent mode loses no request. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { REPLACEMENTS, rollingRestarts, type Restart } from './rolling-restart.ts';

const restart = await rollingRestarts('agent');
suite('no request is lost', { concurrency: true }, () => {
  for (const [name, how] of [
    ['native', { native: true, protocol: 'http', connections: 'kept' }],
    ['classic', { native: false, protocol: 'tcp', connections: 'new' }],
  ] as const satisfies readonly (readonly [string, Restart])[]) {
    test(`${name} sidecars`, async () => {
      const { answers, failures } = await restart(name, how);
      assert.deepEqual(failures, []);
      assert.ok(Object.keys(answers).length > REPLACEMENTS, `answers of ${Object.keys(answers).join(' ')}`);
    });
  }
});
