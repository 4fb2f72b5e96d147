import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { partTable, type Part } from '../../real/part-table.ts';
import { cacheRoot, findPart, missingPartsMessage, partFolder, partNamed } from '../../real/parts.ts';

const FOLDER = join(import.meta.dirname, '../../real/parts');
const all: readonly Part[] = partTable;

function pins(folder: string, file: string): string {
  return readFileSync(join(FOLDER, folder, file), 'utf8');
}

test('the cache is where the environment says, and a relative path there counts as none', () => {
  assert.equal(cacheRoot({ XDG_CACHE_HOME: '/var/cache/me' }, '/me'), '/var/cache/me/tandem-real');
  assert.equal(cacheRoot({}, '/me'), '/me/.cache/tandem-real');
  assert.equal(cacheRoot({ XDG_CACHE_HOME: '' }, '/me'), '/me/.cache/tandem-real');
  assert.equal(cacheRoot({ XDG_CACHE_HOME: 'cache' }, '/me'), '/me/.cache/tandem-real');
  assert.equal(partFolder('/cache/tandem-real', partNamed('etcd')), '/cache/tandem-real/etcd-3.6.5');
});

test('a missing part names the command that brings it', () => {
  assert.equal(
    missingPartsMessage(['etcd']),
    'The part etcd is not installed. Run: npm run real:install -- etcd',
  );
  assert.equal(
    missingPartsMessage(['etcd', 'envoy']),
    'The parts etcd, envoy are not installed. Run: npm run real:install -- etcd envoy',
  );
});

test('a part is its executable in the cache; only some are taken from the machine', (t) => {
  const home = mkdtempSync(join(tmpdir(), 'tandem-parts-'));
  t.after(() => rmSync(home, { recursive: true }));
  const machine = join(home, 'bin');
  const environment = { XDG_CACHE_HOME: home, PATH: machine };
  mkdirSync(machine);
  const put = (path: string): string => {
    writeFileSync(path, '');
    chmodSync(path, 0o755);
    return path;
  };
  for (const name of ['etcd', 'kubectl']) {
    const part = partNamed(name === 'etcd' ? 'etcd' : 'kubectl');
    const folder = partFolder(cacheRoot(environment, home), part);
    mkdirSync(folder, { recursive: true });
    assert.equal(findPart(part, environment, home), undefined, name);
    const cached = put(join(folder, name));
    assert.equal(findPart(part, environment, home), cached, name);
    const onMachine = put(join(machine, name));
    assert.equal(findPart(part, environment, home), part.fromMachine ? onMachine : cached, name);
    chmodSync(cached, 0o644);
    chmodSync(onMachine, 0o644);
    assert.equal(findPart(part, environment, home), undefined, `${name} that cannot be run`);
  }
});

test('a program that lies in no folder of the PATH is looked for where its package puts it', (t) => {
  const home = mkdtempSync(join(tmpdir(), 'tandem-parts-'));
  t.after(() => rmSync(home, { recursive: true }));
  const path = join(home, 'lib/bridge');
  const plugins: Part = {
    ...partNamed('cni-plugins'),
    source: { kind: 'debian', package: 'containernetworking-plugins', path },
  };
  const environment = { XDG_CACHE_HOME: home, PATH: join(home, 'bin') };
  const put = (program: string): void => {
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, '', { mode: 0o755 });
  };
  put(join(home, 'bin/cni-plugins'));
  put(join(home, 'bin/bridge'));
  assert.equal(findPart(plugins, environment, home), undefined);
  put(path);
  assert.equal(findPart(plugins, environment, home), path);
});

test('a root file system is a folder in the cache, and a program never is one', (t) => {
  const home = mkdtempSync(join(tmpdir(), 'tandem-parts-'));
  t.after(() => rmSync(home, { recursive: true }));
  const environment = { XDG_CACHE_HOME: home, PATH: join(home, 'bin') };
  const cached = (part: Part): string => join(partFolder(cacheRoot(environment, home), part), part.name);
  const [image, program] = [partNamed('base-image'), partNamed('etcd')];
  for (const part of [image, program]) mkdirSync(cached(part), { recursive: true });
  assert.equal(findPart(image, environment, home), cached(image));
  assert.equal(findPart(program, environment, home), undefined);
  rmSync(cached(image), { recursive: true });
  writeFileSync(cached(image), '', { mode: 0o755 });
  assert.equal(findPart(image, environment, home), undefined);
});

test('the versions of the table are those of the pins', () => {
  let seen = 0;
  for (const { name, version, source } of all) {
    if (source.kind === 'debian' || source.kind === 'debootstrap') continue;
    seen += 1;
    if (source.kind === 'wheel') {
      const text = pins(source.folder, 'requirements.txt');
      assert.ok(
        text.split('\n').some((line) => line.startsWith(`${source.distribution}==${version} `)),
        name,
      );
      assert.match(text, /--hash=sha256:[0-9a-f]{64}/, name);
      continue;
    }
    const line = `require ${source.module} v${version}\n`;
    assert.ok(pins(source.folder, 'go.mod').includes(line), `${name}: ${line}`);
    assert.ok(pins(source.folder, 'go.sum').includes(`${source.module} v${version} h1:`), name);
    assert.ok(pins(source.folder, 'tools.go').includes(`_ "${source.command}"`), name);
    const told = Object.entries(source.variables).filter(([variable]) => /version$/i.test(variable));
    for (const [variable, value] of told) assert.equal(value, `v${version}`, `${name}: ${variable}`);
  }
  assert.equal(seen, 13);
});

test('helm takes itself for one of the Kubernetes version of its client library', () => {
  const { source } = partNamed('helm');
  assert.ok(source.kind === 'go');
  const minor = source.variables['helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor'];
  assert.match(pins(source.folder, 'go.mod'), new RegExp(`k8s.io/client-go v0\\.${minor}\\.`));
});

test('every folder of pins belongs to a part, and every name is there once', () => {
  const used = all.flatMap(({ source }) => ('folder' in source ? [source.folder] : []));
  assert.deepEqual(readdirSync(FOLDER).sort(), [...new Set(used)].sort());
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
});
