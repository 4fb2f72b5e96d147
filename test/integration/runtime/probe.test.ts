import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probe } from '../../../src/runtime/probe.ts';
import { TandemError } from '../../../src/support/errors.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const { signal } = new AbortController();

test('a look that ends is seen, and a coded error is a fact', async () => {
  assert.deepEqual(await probe(signal, () => Promise.resolve(1)), { kind: 'seen', value: 1 });
  const refused = (): Promise<never> =>
    Promise.reject(new TandemError('TANDEM_CONSUL_FORBIDDEN', 'Permission denied'));
  assert.deepEqual(await probe(signal, refused), {
    kind: 'failed',
    code: 'TANDEM_CONSUL_FORBIDDEN',
    reason: 'Permission denied',
  });
});

test('a look that never ends is over at the limit, and its signal is aborted', async () => {
  let inside: AbortSignal | undefined;
  const look = (limited: AbortSignal): Promise<never> => {
    inside = limited;
    return never();
  };
  const reason = 'no answer within 0.02 s';
  assert.deepEqual(await probe(signal, look, 20), { kind: 'failed', code: 'timeout', reason });
  assert.equal(inside?.aborted, true);
});

test('whoever stops the command waits for nothing', async () => {
  const stop = new AbortController();
  const stopped = { kind: 'failed', code: 'timeout', reason: 'it was stopped' };
  const running = probe(stop.signal, never);
  stop.abort();
  assert.deepEqual(await running, stopped);
  assert.deepEqual(await probe(stop.signal, never), stopped);
});

test('an error that is not coded is a bug and goes on', async () => {
  await assert.rejects(
    probe(signal, () => Promise.reject(new TypeError('bug'))),
    TypeError,
  );
});
