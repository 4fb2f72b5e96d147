import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorTable, TandemError } from '../../../src/support/errors.ts';

test('codes and their retryability are what others may rely on', () => {
  assert.deepEqual(
    Object.fromEntries(Object.entries(errorTable).map(([code, { retryable }]) => [code, retryable])),
    {
      TANDEM_FILE_UNREADABLE: true,
      TANDEM_FILE_UNWRITABLE: true,
      TANDEM_CERTIFICATE_INVALID: true,
      TANDEM_LISTEN_FAILED: true,
      TANDEM_KUBERNETES_UNREACHABLE: true,
      TANDEM_KUBERNETES_GARBLED: true,
      TANDEM_KUBERNETES_REFUSED: true,
      TANDEM_KUBECONFIG_INVALID: false,
      TANDEM_CONSUL_UNREACHABLE: true,
      TANDEM_CONSUL_UNAVAILABLE: true,
      TANDEM_NOT_LEADING: true,
      TANDEM_CONSUL_LIMITED: true,
      TANDEM_CONSUL_FORBIDDEN: true,
      TANDEM_CONSUL_REFUSED: false,
      TANDEM_CONSUL_ANSWER_INVALID: true,
    },
  );
});

test('an error keeps its cause and its code', () => {
  const cause = new Error('below');
  const error = new TandemError('TANDEM_LISTEN_FAILED', 'above', cause);
  assert.deepEqual(
    [error.cause, error.code, error.retryable, error.message],
    [cause, 'TANDEM_LISTEN_FAILED', true, 'above'],
  );
});
