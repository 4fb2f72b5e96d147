/** The objects of a secure Consul: what somebody else made, or damaged, is not overwritten and not deleted. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, test } from 'node:test';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { secureFlags } from '../../../src/config/secure-flags.ts';
import { printPlan, purgeObjects } from '../../../src/runtime/secure-actions.ts';
import { secureObjects } from '../../../src/runtime/secure-objects.ts';
import {
  anonymous,
  json,
  scriptedServer,
  status,
  type Reply,
  type ScriptedServer,
} from '../kubernetes/scripted-server.ts';
import type { SecureSettings } from '../../../src/secure/secure-settings.ts';
import { NOW, SETTINGS } from '../../unit/secure/secure-world.ts';

let server: ScriptedServer;
beforeEach(async () => {
  server = await scriptedServer();
});
afterEach(() => server.close());

/** Answers each read by the name of the object. */
function objects(found: Readonly<Record<string, unknown>>): Reply {
  return (response, request) => {
    const object = found[request.path.split('/').at(-1) ?? ''];
    (request.method === 'DELETE' ? json({}) : object === undefined ? status(404) : json(object))(
      response,
      request,
    );
  };
}

const BOOTSTRAP = 'mesh-bootstrap-acl-token';
const base64 = (value: string): string => Buffer.from(value).toString('base64');
const read = () => {
  const kept = secureObjects(server.client, SETTINGS);
  return kept.read(NOW, new AbortController().signal);
};

test('a bootstrap Secret without a token is named, and not overwritten', async () => {
  const damaged = [{}, { data: {} }, { data: { token: '' } }, { data: { secret: base64('mine') } }];
  for (const object of damaged) {
    server.reply(...Array<Reply>(7).fill(objects({ [BOOTSTRAP]: object })));
    await assert.rejects(read(), {
      code: 'TANDEM_KUBERNETES_GARBLED',
      message: /^the Secret consul\/mesh-bootstrap-acl-token has no usable token: /,
    });
  }
});

test('a bootstrap token may be brought, also with a newline behind it', async () => {
  server.reply(...Array<Reply>(7).fill(objects({ [BOOTSTRAP]: { data: { token: base64('mine\n') } } })));
  assert.equal((await read()).bootstrap.token, 'mine');
});

test('a Secret of the operator with what no header can carry has no token', async () => {
  const settings = { ...SETTINGS, bootstrapToken: { secret: 'mine', key: 'token' } };
  for (const content of ['one\ntwo', 'one two', '\u0000\u00ff']) {
    server.reply(...Array<Reply>(7).fill(objects({ mine: { data: { token: base64(content) } } })));
    const { bootstrap } = await secureObjects(server.client, settings).read(
      NOW,
      new AbortController().signal,
    );
    assert.equal(bootstrap.token, undefined);
    assert.match(bootstrap.lack ?? '', /^the Secret consul\/mine has no token under the key token$/);
  }
});

test('what is off is not read: its role has no right to it', async () => {
  const readBy = async (settings: Partial<SecureSettings>): Promise<readonly string[]> => {
    const before = server.requests.length;
    server.reply(...Array<Reply>(7).fill(status(404)));
    const kept = secureObjects(server.client, { ...SETTINGS, ...settings });
    await kept.read(NOW, new AbortController().signal);
    const names = server.requests.slice(before).map(({ path }) => path.split('/').at(-1) ?? '');
    return names.toSorted();
  };
  const state = 'mesh-secure';
  const [ca, ofServers, ofClients] = [
    'mesh-consul-ca',
    'mesh-server-secrets',
    'mesh-client-secrets',
  ] as const;
  assert.deepEqual(await readBy({ uiToken: false, replicationToken: false }), [
    BOOTSTRAP,
    ofClients,
    ca,
    state,
    ofServers,
  ]);
  assert.deepEqual(await readBy({ acls: false, tls: false, clients: false }), [state, ofServers]);
});

test('purge deletes what Tandem made, and leaves what somebody brought', async () => {
  const found = {
    [BOOTSTRAP]: { metadata: { labels: { app: 'mine' } } },
    'mesh-secure': { metadata: { labels: { 'app.kubernetes.io/managed-by': 'tandem' } } },
  };
  server.reply(...Array<Reply>(14).fill(objects(found)));
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const { signal } = new AbortController();
  await purgeObjects(server.client, SETTINGS, { stdout, stderr, signal } as never);
  stdout.end();
  const lines = (await text(stdout)).split('\n');
  assert.ok(lines.includes('Secret consul/mesh-secure: deleted'));
  assert.ok(lines.includes(`Secret consul/${BOOTSTRAP}: left, because Tandem did not make it`));
  const deleted = server.requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
  assert.deepEqual(deleted, ['/api/v1/namespaces/consul/secrets/mesh-secure']);
});

test('a plan that may read nothing ends, and says why', { timeout: 30_000 }, async () => {
  server.reply(...Array<Reply>(100).fill(status(403)));
  const parsed = parseFlags(secureFlags, ['--name=mesh', '--server-selector=a=b'], {});
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const context = { stdout, stderr, signal: new AbortController().signal };
  const parts = { access: anonymous(server.url), client: server.client };
  await assert.rejects(printPlan(SETTINGS, parsed.values, parts, context as never), {
    code: 'TANDEM_KUBERNETES_REFUSED',
    message: /cannot be read: status 403/,
  });
});
