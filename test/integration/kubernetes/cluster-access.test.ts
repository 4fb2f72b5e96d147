/** From where the access to a cluster comes, and what is said when there is none. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { apiClient, type ApiClient, type ClusterAccess } from '../../../src/kubernetes/api-client.ts';
import { kubeconfigAccess } from '../../../src/kubernetes/kubeconfig.ts';
import { clusterAccess, type AccessOptions } from '../../../src/kubernetes/cluster-access.ts';
import type { TandemError } from '../../../src/support/errors.ts';
import { json, scriptedServer, status } from './scripted-server.ts';

const SECRET = 'a-secret-token';
let folder: string;
let serviceAccount: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-access-'));
  serviceAccount = join(folder, 'service-account');
  await mkdir(serviceAccount);
  for (const [name, content] of Object.entries({ 'ca.crt': 'the CA', token: 'one\n', namespace: 'own' }))
    await writeFile(join(serviceAccount, name), content);
});
after(() => rm(folder, { recursive: true }));

const access = (options: Partial<AccessOptions>): Promise<ClusterAccess> =>
  clusterAccess({ kubeconfig: undefined, environment: {}, serviceAccount, ...options });

type Parts = {
  readonly server: string;
  readonly user?: object;
  readonly name?: string;
  readonly cluster?: object;
};

async function writeKubeconfig(
  file: string,
  { server, user = {}, name = 'it', cluster = {} }: Parts,
): Promise<string> {
  const path = join(folder, file);
  const content = {
    clusters: [{ name, cluster: { server, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: `ns-${name}` } }],
    'current-context': name,
  };
  await writeFile(path, JSON.stringify(content));
  return path;
}

test('the flag, KUBECONFIG, the file at home, and the pod, in this order', async () => {
  const flag = await writeKubeconfig('flag', { server: 'https://flag:1' });
  const first = await writeKubeconfig('first', { server: 'https://first:1', name: 'first' });
  const second = await writeKubeconfig('second', { server: 'https://second:1', name: 'second' });
  await mkdir(join(folder, '.kube'));
  await writeKubeconfig('.kube/config', { server: 'https://home:1/prefix/' });
  const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const home = { ...pod, HOME: folder };
  const named = { ...home, KUBECONFIG: [first, second].join(delimiter) };
  const found = await Promise.all([
    access({ kubeconfig: flag, environment: named }),
    access({ environment: named }),
    access({ environment: home }),
    access({ environment: { ...pod, HOME: join(folder, 'nobody') } }),
    access({ environment: { ...pod, KUBERNETES_SERVICE_HOST: 'fd00::1' } }),
  ]);
  assert.deepEqual(
    found.map(({ server, namespace }) => `${server} ${namespace}`),
    [
      'https://flag:1 ns-it',
      'https://first:1 ns-first',
      'https://home:1/prefix ns-it',
      'https://10.0.0.1:443 own',
      'https://[fd00::1]:443 own',
    ],
  );
});

test('a pod reads its token and CA again for each request', async () => {
  const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const { credentials } = await access({ environment });
  const first = await credentials();
  await writeFile(join(serviceAccount, 'token'), 'two');
  const second = await credentials();
  assert.deepEqual(
    [first.headers, first.tls, second.headers],
    [{ authorization: 'Bearer one' }, { ca: 'the CA' }, { authorization: 'Bearer two' }],
  );
});

test('a ServiceAccount that cannot be read counts as an API server that is not reached', async (t) => {
  const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' };
  const client = apiClient(await access({ environment, serviceAccount: join(folder, 'absent') }));
  t.after(() => client.close());
  await assert.rejects(client.request('GET', '/x'), {
    code: 'TANDEM_KUBERNETES_UNREACHABLE',
    message: /cannot read the ServiceAccount: ENOENT/,
  });
});

test('tokens, passwords, files and certificates of a kubeconfig are used', async () => {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  await writeFile(join(folder, 'client.crt'), 'certificate');
  const of = async (user: object, cluster = {}): Promise<unknown> => {
    const file = await writeKubeconfig('user', { server: 'https://it:1', user, cluster });
    const { headers, tls, proxy } = await (await access({ kubeconfig: file })).credentials();
    const texts = Object.entries(tls).map(([key, value]) => `${key}=${String(value)}`);
    return [headers, texts.join(), proxy === undefined];
  };
  assert.deepEqual(await of({ token: 'abc' }), [{ authorization: 'Bearer abc' }, '', true]);
  assert.deepEqual(await of({ username: 'u', password: 'p' }), [
    { authorization: `Basic ${encode('u:p')}` },
    '',
    true,
  ]);
  assert.deepEqual(
    await of(
      { 'client-certificate': 'client.crt', 'client-key-data': encode('key') },
      { 'certificate-authority-data': encode('ca'), 'tls-server-name': 'name' },
    ),
    [{}, 'ca=ca,cert=certificate,key=key,servername=name', true],
  );
  assert.deepEqual(await of({}, { 'insecure-skip-tls-verify': true, 'proxy-url': 'http://proxy:1' }), [
    {},
    'rejectUnauthorized=false',
    false,
  ]);
});

/** An exec plugin that counts its runs in a file, and gives each token without an expiry. */
async function countingPlugin(name: string, server: string): Promise<string> {
  const counter = join(folder, `${name}-runs`);
  const script = `printf x >> "${counter}"; printf '{"status":{"token":"run-%s"}}' "$(wc -c < "${counter}" | tr -d ' ')"`;
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] };
  return writeKubeconfig(name, { server, user: { exec } });
}

test('an exec plugin is asked again after the server has refused what it gave', async () => {
  const server = await scriptedServer();
  const client = apiClient(await access({ kubeconfig: await countingPlugin('plugin', server.url) }));
  server.reply(json({}), status(401), json({}));
  for (let times = 0; times < 3; times += 1) await client.request('GET', '/x');
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    ['Bearer run-1', 'Bearer run-1', 'Bearer run-2'],
  );
  client.close();
  server.close();
});

test('an exec plugin without an expiry runs once for many requests at once, of every client, and once after refusals', async (t) => {
  const server = await scriptedServer();
  const kubeconfig = await countingPlugin('busy-plugin', server.url);
  const clients = await Promise.all([1, 2].map(async () => apiClient(await access({ kubeconfig }))));
  t.after(() => {
    for (const client of clients) client.close();
    server.close();
  });
  const six = <T>(what: T): readonly T[] => Array.from({ length: 6 }, () => what);
  const askAll = async (): Promise<readonly unknown[]> => {
    const from = server.requests.length;
    await Promise.all([...clients, ...clients, ...clients].map((client) => client.request('GET', '/x')));
    return server.requests.slice(from).map(({ headers }) => headers.authorization);
  };
  server.reply(...six(status(401)), ...six(json({})));
  assert.deepEqual(await askAll(), six('Bearer run-1'));
  assert.deepEqual(await askAll(), six('Bearer run-2'));
});

test('an exec plugin that never ends holds up no request for longer than its time, and the next one runs it again', async (t) => {
  const server = await scriptedServer();
  const [hanging, answering] = [join(folder, 'hanging'), join(folder, 'answering')];
  await writeFile(hanging, '');
  const script = `
    [ -e "${answering}" ] || while [ -e "${hanging}" ]; do sleep 0.1; done
    printf '{"status":{"token":"second"}}'
  `;
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] };
  const kubeconfig = await writeKubeconfig('hanging-plugin', { server: server.url, user: { exec } });
  const impatient = kubeconfigAccess([kubeconfig], 500);
  const clients = [apiClient(impatient), apiClient(impatient, 50), apiClient(await access({ kubeconfig }))];
  const [patient, hurried, next] = clients as [ApiClient, ApiClient, ApiClient];
  t.after(async () => {
    await rm(hanging);
    for (const client of clients) client.close();
    server.close();
  });
  await Promise.all([
    assert.rejects(patient.request('GET', '/x'), {
      code: 'TANDEM_KUBERNETES_UNREACHABLE',
      message: /no credentials within 500 ms/,
    }),
    assert.rejects(hurried.request('GET', '/x'), {
      code: 'TANDEM_KUBERNETES_UNREACHABLE',
      message: 'GET /x: no answer within 50 ms',
    }),
    assert.rejects(patient.request('GET', '/x', undefined, AbortSignal.timeout(50)), {
      code: 'TANDEM_KUBERNETES_UNREACHABLE',
    }),
  ]);
  await writeFile(answering, '');
  server.reply(json({}));
  await next.request('GET', '/x');
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    ['Bearer second'],
  );
});

test('a refusal that comes late, of what has been replaced, does not run a plugin again', async () => {
  const kubeconfig = await countingPlugin('late-plugin', 'https://it:1');
  const { credentials, renew } = await access({ kubeconfig });
  const first = await credentials();
  renew(first);
  await credentials();
  renew(first);
  assert.equal((await credentials()).headers['authorization'], 'Bearer run-2');
});

const unusable: readonly [string, string | undefined, RegExp][] = [
  ['a file that is not there', undefined, /kubeconfig .*absent: .*ENOENT/],
  ['no YAML', `users: [{"token": "${SECRET}"`, /cannot be parsed/],
  ['no object', SECRET, /no current context/],
  ['no context', '{}', /no current context/],
  ['a context that is not there', 'current-context: x', /no current context/],
  [
    'no cluster',
    '{"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}',
    /no cluster "c"/,
  ],
  [
    'no user',
    '{"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x","clusters":[{"name":"c","cluster":{"server":"https://c"}}]}',
    /no user "u"/,
  ],
  [
    'no URL',
    '{"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x","clusters":[{"name":"c","cluster":{"server":"c:1"}}],"users":[{"name":"u"}]}',
    /"c:1" is not the URL of a server/,
  ],
];
for (const [what, content, message] of unusable) {
  test(`${what}: an error that says so, without any of the content`, async () => {
    const kubeconfig = join(folder, content === undefined ? 'absent' : 'unusable');
    if (content !== undefined) await writeFile(kubeconfig, content);
    const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443', HOME: folder };
    await assert.rejects(
      access({ kubeconfig, environment }),
      (error: TandemError) =>
        error.code === 'TANDEM_KUBECONFIG_INVALID' &&
        message.test(error.message) &&
        !`${error.stack}${String(error.cause)}`.includes(SECRET),
    );
  });
}

test('no cluster anywhere is an error that says what can be done', async () => {
  await assert.rejects(access({}), /--kubeconfig.*KUBECONFIG.*pod/);
});

test('a plugin that prints no JSON is an error without what it printed', async () => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'echo', args: [SECRET] };
  const file = await writeKubeconfig('broken-plugin', { server: 'https://it:1', user: { exec } });
  const { credentials } = await access({ kubeconfig: file });
  await assert.rejects(
    credentials(),
    (error: TandemError) =>
      /cannot be parsed/.test(error.message) && !`${error.stack}${String(error.cause)}`.includes(SECRET),
  );
});

test('a pod does not load the official client', async () => {
  const module = join(import.meta.dirname, '../../../src/kubernetes/cluster-access.ts');
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { clusterAccess } = await import(${JSON.stringify(module)});
    const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
    const count = () => loaded.filter((url) => url.includes('@kubernetes')).length;
    await clusterAccess({ kubeconfig: undefined, environment, serviceAccount: '/none' });
    const before = count();
    await clusterAccess({ kubeconfig: '/none', environment, serviceAccount: '/none' }).catch(() => undefined);
    process.stdout.write(before + ' ' + (count() > 0));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(stdout, '0 true');
});
