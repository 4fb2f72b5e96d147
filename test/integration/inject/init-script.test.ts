/** The init script, run by a shell, with a program in the place of `consul` that keeps what it was given. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { INIT_SCRIPT } from '../../../src/inject/init-script.ts';
import { DATA_PATH } from '../../../src/inject/names.ts';

/** What the script registers for a pod of that address. */
function registered(
  t: TestContext,
  podIp: string,
  registration: string,
  consul = 'exit 0',
  environment: Readonly<Record<string, string>> = {},
  look: (folder: string) => void = () => undefined,
): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-init-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'consul'), `#!/bin/sh\n${consul}\n`);
  chmodSync(join(folder, 'consul'), 0o755);
  execFileSync('/bin/sh', ['-c', INIT_SCRIPT.replaceAll(DATA_PATH, folder)], {
    env: {
      PATH: `${folder}:${process.env['PATH']}`,
      POD_IP: podIp,
      HOST_IP: '10.0.0.1',
      TANDEM_SCHEME: 'http://',
      TANDEM_HTTP_PORT: '8500',
      TANDEM_GRPC_PORT: '8502',
      TANDEM_REGISTRATION: registration,
      ...environment,
    },
  });
  look(folder);
  return JSON.parse(readFileSync(join(folder, 'service.json'), 'utf8'));
}

test('the address of the TCP check has brackets for an IPv6 pod, and nothing else changes', (t) => {
  const document = (address: string, checked: string): object => ({
    services: [
      { address, meta: { note: `"tcp":"${address}:20000"` }, checks: [{ tcp: `${checked}:20000` }] },
    ],
  });
  const six = JSON.stringify(document('fd00::7', 'fd00::7'));
  assert.deepEqual(registered(t, 'fd00::7', six), document('fd00::7', '[fd00::7]'));
  const four = JSON.stringify(document('10.0.0.7', '10.0.0.7'));
  assert.deepEqual(registered(t, '10.0.0.7', four), document('10.0.0.7', '10.0.0.7'));
});

test('a registration that is taken away before the bootstrap is written is made again', (t) => {
  const proxy = { TANDEM_PROXY_ID: 'web-1-web-sidecar-proxy' };
  // The first bootstrap finds no registration; the words of each call are kept.
  const consul = 'echo "$1 $2" >> calls; [ "$1" != connect ] || [ "$(grep -c connect calls)" -gt 1 ]';
  registered(t, '10.0.0.7', '{}', `${consul} || exit 1; [ "$1" != connect ] || cat calls >&2`, proxy);
});

test('the token of the login names the pod, its UID and the owner of the cluster', (t) => {
  const login = { TANDEM_AUTH_METHOD: 'k8s', POD_NAMESPACE: 'shop', POD_NAME: 'web-0', POD_UID: 'u-1' };
  const consul = '[ "$1" != login ] || printf "[%s]" "$@" > service.words';
  const metaOf = (environment: Readonly<Record<string, string>>): string[] => {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-login-'));
    t.after(() => rmSync(folder, { recursive: true }));
    registered(t, '10.0.0.7', '{}', `${consul}; cp service.words ${folder}/words`, {
      ...login,
      ...environment,
    });
    return [...readFileSync(join(folder, 'words'), 'utf8').matchAll(/\[-meta=([^\]]*)\]/g)].map(
      ([, text = '']) => text,
    );
  };
  assert.deepEqual(metaOf({}), ['pod=shop/web-0', 'pod-uid=u-1']);
  assert.deepEqual(metaOf({ TANDEM_OWNER: 'east' }), ['pod=shop/web-0', 'pod-uid=u-1', 'owner=east']);
});

test('an application of another user reads what is not secret, and nothing with a token in it', (t) => {
  const modes = (environment: Readonly<Record<string, string>>): Record<string, string> => {
    const consul = 'case "$1" in connect) echo "{}" ;; login) echo token > acl-token ;; esac';
    const found: Record<string, string> = {};
    const common = {
      TANDEM_PROXY_ID: 'p',
      TANDEM_CA_PEM: 'pem',
      POD_NAMESPACE: 'a',
      POD_NAME: 'b',
      POD_UID: 'c',
    };
    registered(t, '10.0.0.7', '{}', consul, { ...common, ...environment }, (folder) => {
      const secret = 'TANDEM_AUTH_METHOD' in environment ? ['acl-token'] : [];
      for (const name of ['ca.pem', 'service.json', 'envoy-bootstrap.json', ...secret])
        found[name] = (statSync(join(folder, name)).mode & 0o777).toString(8);
    });
    return found;
  };
  const readable = { 'ca.pem': '644', 'service.json': '644', 'envoy-bootstrap.json': '644' };
  assert.deepEqual(modes({}), readable);
  const secured = { ...readable, 'envoy-bootstrap.json': '600', 'acl-token': '600' };
  assert.deepEqual(modes({ TANDEM_AUTH_METHOD: 'k8s' }), secured);
});
