import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentUrl } from '../../../src/consul/agent-url.ts';
import { NO_HOSTS } from '../support/no-hosts.ts';

test('an agent is asked at an IP address', () => {
  assert.equal(agentUrl('10.0.0.1', { port: 8500, tls: false }), 'http://10.0.0.1:8500');
  assert.equal(agentUrl('fd00::1', { port: 8501, tls: true }), 'https://[fd00::1]:8501');
});

for (const host of ['', ...NO_HOSTS])
  test(`and nowhere else: ${JSON.stringify(host.slice(0, 40))}`, () => {
    assert.throws(
      () => agentUrl(host, { port: 8500, tls: false }),
      ({ code, message }: { code?: unknown; message: string }) =>
        code === 'TANDEM_CONSUL_UNREACHABLE' && message.includes(JSON.stringify(host).slice(1, 8)),
    );
  });
