/** `tandem dev` as a developer uses it: a folder that changes, curl, and DNS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Resolver } from 'node:dns/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { controllerOf, type Status } from '../../../src/status-page/status.ts';
import { runInProcess } from '../cli/in-process.ts';
import { logLine, spawnTandem } from '../cli/tandem-process.ts';

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'tandem-dev-'))));
after(() => rm(folder, { recursive: true }));

const FREE_PORTS = ['--http-port=0', '--dns-port=0', '--listen=127.0.0.1:0', '--status-listen=127.0.0.1:0'];

function service(name: string, port: number): string {
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec:
  selector: {app: ${name}}
  ports: [{port: 80, targetPort: ${port}}]
`;
}

function serviceDefaults(protocol: string): string {
  return `apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceDefaults
metadata: {name: web}
spec:
  protocol: ${protocol}
`;
}

async function indexOf(consul: string): Promise<string> {
  const { headers } = await fetch(`${consul}/v1/config/service-defaults`);
  return headers.get('x-consul-index') ?? '';
}

test('a folder is in the catalog and in DNS, follows its files, and survives what is no YAML', async (t) => {
  const manifests = join(folder, 'manifests.yaml');
  await writeFile(manifests, service('web', 8080));
  const child = spawnTandem(['dev', folder, `--tls-dir=${join(folder, 'certs')}`, ...FREE_PORTS]);
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const [serving] = await Promise.all([logLine(child, 'serving'), logLine(child, 'planned')]);
  const consul = String(serving['consul']);
  /** Waits by blocking queries until the catalog has these services. */
  const untilNames = async (expected: readonly string[]): Promise<void> => {
    for (let index = '0'; ;) {
      const answer = await fetch(`${consul}/v1/catalog/services?index=${index}&wait=10s`);
      const names = Object.keys((await answer.json()) as object).toSorted();
      if (names.join() === expected.join()) return;
      index = answer.headers.get('x-consul-index') ?? '0';
    }
  };
  await untilNames(['web']);
  const resolver = new Resolver();
  resolver.setServers([String(serving['dns'])]);
  assert.deepEqual(await resolver.resolve4('web.service.consul'), ['127.0.0.1']);
  assert.equal((await resolver.resolveSrv('web.service.consul'))[0]?.port, 8080);

  const invalid = logLine(child, 'a config entry is invalid');
  await writeFile(join(folder, 'defaults.yaml'), serviceDefaults('htp'));
  assert.match(String((await invalid)['problem']), /defaults\.yaml:5: refused: ServiceDefaults web: /);
  const waiting = fetch(`${consul}/v1/config/service-defaults?index=${await indexOf(consul)}&wait=60s`);
  await writeFile(join(folder, 'defaults.yaml'), serviceDefaults('http'));
  const [entry] = (await (await waiting).json()) as { Name: string; Protocol: string }[];
  assert.deepEqual([entry?.Name, entry?.Protocol], ['web', 'http']);

  await writeFile(manifests, `${service('web', 8080)}---\n${service('api', 9090)}`);
  await untilNames(['api', 'web']);

  const unreadable = logLine(child, 'the manifests cannot be read; what was read before stays');
  await writeFile(manifests, 'kind: [\n');
  assert.match(String((await unreadable)['error']), /manifests\.yaml:\d+:\d+/);
  const page = async (): Promise<string> => (await fetch(String(serving['page']))).text();
  assert.match(await page(), /Not in sync[^]*The files cannot be read:[^]*manifests\.yaml:\d+:\d+/);
  const seen = (await (await fetch(String(serving['status']))).json()) as {
    files: { unreadable: { error: string } };
  };
  assert.match(seen.files.unreadable.error, /manifests\.yaml:\d+:\d+/);
  await untilNames(['api', 'web']);

  await writeFile(manifests, service('api', 9090));
  await untilNames(['api']);
  assert.doesNotMatch(await page(), /The files cannot be read/);

  const twice = logLine(child, 'an object is defined more than once');
  await writeFile(manifests, `${service('api', 9090)}---\n${service('api', 9091)}`);
  assert.match(
    String((await twice)['problem']),
    /^Service default\/api is in \S+manifests\.yaml:1 and \S+manifests\.yaml:8; only the last one counts$/,
  );
  assert.match(await page(), /Service default\/api is in/);
  const status = (await (await fetch(String(serving['status']))).json()) as Status;
  assert.deepEqual(
    controllerOf(status, 'to-consul')?.rows.map(({ source }) => source),
    ['Service/default/api'],
  );
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('without a folder or a cluster it says what to name', async () => {
  const { code, stderr } = await runInProcess(['dev']);
  assert.equal(code, 2);
  assert.match(stderr, /name a folder of manifests, or a cluster with --kubeconfig/);
});

test('a port that is taken is an error that names it, and nothing is left running', async (t) => {
  const child = spawnTandem(['dev', folder, `--tls-dir=${join(folder, 'certs')}`, ...FREE_PORTS]);
  t.after(() => child.kill('SIGKILL'));
  const serving = await logLine(child, 'serving');
  const port = new URL(String(serving['consul'])).port;
  const second = await runInProcess(['dev', folder, `--http-port=${port}`, '--dns-port=0']);
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`));
  child.kill('SIGTERM');
  await once(child, 'exit');
});
