/** A CA, certificates and a gossip key of the operator: agents follow them without a restart, and clients of each CA go on. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { newLeaf } from '../../../src/certificates/sign.ts';
import { SECURE } from '../chart/taken-renderings.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { partPath } from '../parts.ts';
import { eachRightIsNamed, grantedBy, renderSecure, rightCases } from './each-right.ts';
import { NAME, NAMESPACE, startSecureScene, type Loop, type StartedAgent } from './secure-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'helm']);
const run = promisify(execFile);
const folder = join(scene.folder, 'brought');
mkdirSync(folder);
const inFolder = { cwd: folder };
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const gossipKey = (): string => randomBytes(32).toString('base64');
const pairOf = (name: string) => ({ 'tls.crt': read(`${name}.pem`), 'tls.key': read(`${name}-key.pem`) });

/** OpenSSL writes names as UTF8String, and Go compares them byte for byte. */
async function opensslCa(name: string, newkey: readonly string[]): Promise<void> {
  const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.pem`];
  const subject = ['-subj', `/O=Example/CN=${name}`, '-days', '3650', '-nodes'];
  await run('openssl', ['req', '-x509', ...newkey, ...files, ...subject], inFolder);
}

await opensslCa('rsa', ['-newkey', 'rsa:2048']);
await opensslCa('root', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']);
await run(partPath('consul'), ['tls', 'ca', 'create'], inFolder);
writeFileSync(
  join(folder, 'ext'),
  'basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid',
);
const request = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'middle-key.pem', '-subj', '/CN=middle'];
await run('openssl', ['req', ...request, '-out', 'middle.csr'], inFolder);
const signing = ['-CA', 'root.pem', '-CAkey', 'root-key.pem', '-CAcreateserial', '-extfile', 'ext'];
await run(
  'openssl',
  ['x509', '-req', '-in', 'middle.csr', ...signing, '-days', '1000', '-out', 'middle.pem'],
  inFolder,
);

const WITH_CA = '--brought=ca=my-ca/tls.crt,ca-key=my-ca/tls.key,gossip=my-gossip/key';
const LEAVES = '--brought=ca=my-ca/tls.crt,server=my-server,client=my-client,gossip=my-gossip/key';
const [chart, ownChart] = await Promise.all([SECURE.brought, SECURE.own].map(renderSecure));
assert.ok(chart !== undefined && ownChart !== undefined);
const secure = await startSecureScene(
  scene,
  ['--client-selector=component=client', '--sync-directions=', '--pod-auth-method=false'],
  undefined,
  { roles: grantedBy(chart) },
);
const firstKey = gossipKey();
const loop = await secure.loop([WITH_CA]);
await eventually('it says what is missing', async () =>
  assert.match((await loop.status()).controllers[0]?.step ?? '', /Secret my-ca: it is not there/),
);
await secure.bring('my-ca', pairOf('rsa'));
await secure.bring('my-gossip', { key: firstKey });
const servers = await secure.startServers(1);
const client = await secure.startClient(servers);
const agents: readonly StartedAgent[] = [...servers, client];
const [server = client] = servers;
await loop.settled();
const pids = agents.map((agent) => agent.process().pid);
const token = (await secure.secret(`${NAME}-bootstrap-acl-token`))?.['token'] ?? '';

async function exchanged(what: string, isThere: () => Promise<void>): Promise<void> {
  await eventually(what, async () => {
    for (const agent of agents) await agent.swap();
    await isThere();
    assert.match((await loop.status()).controllers[0]?.step ?? '', /^keep/);
  });
}

/** Whether Node, which has OpenSSL, takes what an agent serves. */
async function isAccepted(agent: StartedAgent, ca: string): Promise<void> {
  const kind = agent === client ? 'agent' : 'server';
  const socket = connect({ host: agent.address, port: 8501, ca, servername: `${kind}.dc1.consul` });
  await once(socket, 'secureConnect');
  socket.destroy();
}

/** Whether Consul's own HTTP client, which is Go, takes it. */
async function isAcceptedByGo(agent: StartedAgent, ca: string): Promise<void> {
  writeFileSync(join(folder, 'known.pem'), ca);
  const kind = agent === client ? 'agent' : 'server';
  const env = {
    CONSUL_HTTP_ADDR: `https://${agent.address}:8501`,
    CONSUL_CACERT: join(folder, 'known.pem'),
    CONSUL_TLS_SERVER_NAME: `${kind}.dc1.consul`,
    CONSUL_HTTP_TOKEN: token,
  };
  const { stdout } = await run(partPath('consul'), ['members'], { env });
  assert.equal([...stdout.matchAll(/alive/g)].length, 2, stdout);
}

async function isAcceptedBy(ca: string): Promise<void> {
  for (const agent of agents) {
    await isAccepted(agent, ca);
    await isAcceptedByGo(agent, ca);
  }
}

test('an RSA CA by OpenSSL, one by consul tls ca, and an intermediate: who knows one before takes what comes after', async () => {
  const known = [read('rsa.pem')];
  await isAcceptedBy(known[0] ?? '');
  const steps = [
    {
      texts: { 'tls.crt': read('consul-agent-ca.pem'), 'tls.key': read('consul-agent-ca-key.pem') },
      root: 'consul-agent-ca',
    },
    {
      texts: { 'tls.crt': read('middle.pem') + read('root.pem'), 'tls.key': read('middle-key.pem') },
      root: 'root',
    },
  ];
  for (const { texts, root } of steps) {
    await secure.bring('my-ca', texts);
    await exchanged(root, () => isAccepted(client, read(`${root}.pem`)));
    known.push(read(`${root}.pem`));
    for (const each of known) await isAcceptedBy(each);
  }
});

test('a gossip key comes to all before any uses it', async () => {
  const next = gossipKey();
  await secure.bring('my-gossip', { key: next });
  await exchanged('the key is in use', async () => {
    const { json } = await secure.ask(client, 'GET', '/v1/operator/keyring', { token });
    const [ring] = json as readonly { readonly PrimaryKeys: object }[];
    assert.deepEqual(Object.keys(ring?.PrimaryKeys ?? {}), [next]);
  });
});

test('a Secret that cannot be used is named in the plan, the status and an Event; agents keep what they have', async () => {
  const before = await Promise.all(agents.map(secure.servedSerial));
  await secure.bring('my-ca', { ...pairOf('rsa'), 'tls.key': pairOf('root')['tls.key'] });
  await eventually('an Event says so', async () => {
    const { body } = await secure.api.admin.request('GET', `/api/v1/namespaces/${NAMESPACE}/events`);
    assert.match(
      JSON.stringify(body),
      /SecretUnusable.*my-ca cannot be used: its tls\.crt is not the certificate of the key/s,
    );
  });
  const { code, log } = await secure.run([WITH_CA, '--plan']);
  assert.equal(code, 3, log);
  assert.match(
    log,
    /next: wait Secret my-ca: its tls\.crt is not the certificate of the key in my-ca \(brought-unusable\)/,
  );
  assert.deepEqual(await Promise.all(agents.map(secure.servedSerial)), before);
  assert.ok(!loop.process.log().includes('PRIVATE'));
});

let following: Loop | undefined;

test('certificates that are brought reach the agents when they change, and nothing has been restarted', async () => {
  await loop.process.stop();
  const ca = { certificate: read('rsa.pem'), key: read('rsa-key.pem') };
  const leaf = (host: string) => {
    const { certificate, key } = newLeaf(ca, [host, 'localhost'], { now: Date.now(), life: 86_400_000 });
    return { 'tls.crt': certificate, 'tls.key': key };
  };
  const bringLeaves = async (): Promise<void> => {
    await secure.bring('my-server', leaf('server.dc1.consul'));
    await secure.bring('my-client', leaf('agent.dc1.consul'));
  };
  await secure.bring('my-ca', { 'tls.crt': ca.certificate });
  await bringLeaves();
  following = await secure.loop([LEAVES]);
  const served = async (): Promise<void> => {
    await eventually('agents serve what is in the Secrets', async () => {
      for (const agent of agents) await agent.swap();
      for (const [agent, name] of [
        [server, 'server'],
        [client, 'client'],
      ] as const) {
        const { certificate = '' } = { certificate: (await secure.secret(`my-${name}`))?.['tls.crt'] };
        assert.equal(await secure.servedSerial(agent), serialOf(certificate));
      }
      assert.match((await following?.status())?.controllers[0]?.step ?? '', /^keep/);
    });
    await isAcceptedBy(ca.certificate);
  };
  await served();
  await bringLeaves();
  await served();
  assert.deepEqual(
    agents.map((agent) => agent.process().pid),
    pids,
  );
});

const isAll = process.env['TANDEM_EVERY_RIGHT'] !== undefined;
eachRightIsNamed(
  rightCases(chart, {}, ownChart).filter(({ what }) => isAll || what.startsWith('get secrets my-server')),
  {
    secure,
    loop: () => following ?? assert.fail(),
    launch: () => secure.launch([LEAVES]),
  },
);

function serialOf(pem: string): string {
  return new X509Certificate(pem).serialNumber;
}
