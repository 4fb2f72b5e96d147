/** Every command that takes manifests reads them alike: the same objects in odd layouts, and the same place in an error. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startEmbeddedConsul, type EmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { runInProcess } from './in-process.ts';
import type { Finished } from './tandem-process.ts';

let folder: string;
let consul: EmbeddedConsul;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-reader-'));
  consul = await startEmbeddedConsul();
});
after(async () => {
  await consul.close();
  await rm(folder, { recursive: true });
});

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { ports: [{ port: 80 }] },
};
const SLICE = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
  ports: [{ port: 8080 }],
  endpoints: [{ addresses: ['10.0.0.1'] }],
};
const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', annotations: { 'consul.hashicorp.com/connect-inject': 'true' } },
  spec: { containers: [{ name: 'web' }] },
};
const ALL = [SERVICE, SLICE, POD];

/** Each as one block of YAML, flow style inside: what is tested is around them. */
const BLOCKS = ALL.map((object) =>
  Object.entries(object)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join(''),
);
const PLAIN = BLOCKS.join('---\n');

function withoutKind({ apiVersion: _version, kind: _kind, ...rest }: (typeof ALL)[number]): object {
  return rest;
}

function listOf(object: (typeof ALL)[number]): object {
  return { apiVersion: object.apiVersion, kind: `${object.kind}List`, items: [withoutKind(object)] };
}

const SAME: Readonly<Record<string, string>> = {
  'several documents': PLAIN,
  'one List': JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ALL }),
  'lists in a list': JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [{ apiVersion: 'v1', kind: 'List', items: ALL }],
  }),
  'lists of a kind, as the API server writes them': ALL.map(
    (each) => `${JSON.stringify(listOf(each))}\n`,
  ).join('---\n'),
  'JSON over several lines': ALL.map((each) => `${JSON.stringify(each, null, '\t')}\n`).join('---\n'),
  'a byte order mark': `\uFEFF${PLAIN}`,
  CRLF: PLAIN.replaceAll('\n', '\r\n'),
  'empty documents': `---\n---\n# nothing\n---\n${PLAIN}---\n...\n---\nnull\n`,
  'a directive': `%YAML 1.2\n---\n${PLAIN}`,
  comments: `# first\n${PLAIN.replaceAll('\n', ' # said\n')}# last\n`,
  'an empty namespace': PLAIN.replaceAll('"name":"web"', '"namespace":"","name":"web"').replace(
    '"name":"web-1"',
    '"namespace":"","name":"web-1"',
  ),
  'a namespace of null': PLAIN.replaceAll('"name":"web', '"namespace":null,"name":"web'),
  'anchors and aliases': `${BLOCKS[0]}---\n${BLOCKS[1]}---\n${(BLOCKS[2] ?? '').replace('metadata: ', 'x-shared: &m {app: web}\nx-again: *m\nmetadata: ')}`,
  'a merge key': `${BLOCKS[0]}---\n${BLOCKS[1]}---\n${(BLOCKS[2] ?? '').replace('metadata: {', 'x-name: &n {namespace: default}\nmetadata: {<<: *n,')}`,
  'huge numbers': `${PLAIN}---\n${(BLOCKS[0] ?? '').replace('"web"', '"big"').replace('80', '99999999999999999999')}`,
  'a Windows path': `${PLAIN}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {path: 'C:\\Users\\x', other: C:\\temp}\n`,
  'a kind of another group with the same name': `${PLAIN}---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web, annotations: {consul.hashicorp.com/service-sync: 'false'}}\nspec: {template: {spec: {containers: [{image: x}]}}}\n`,
};

type Commands = Readonly<Record<string, (file: string) => readonly string[]>>;

function commands(): Commands {
  const flags = [`--consul-http-addr=${consul.url}`, '--owner=test', '--output=json'];
  return {
    inject: (file) => ['inject', '--report=json', file],
    uninject: (file) => ['uninject', '--report=json', file],
    review: (file) => ['review', file],
    plan: (file) => ['plan', file, ...flags],
    'explain service': (file) => ['explain', 'service', 'default/web', file, ...flags],
    'explain pod': (file) => ['explain', 'pod', 'default/web', file, ...flags],
  };
}

/** What each command made of the pod `default/web` or the Service `default/web`, in one form. */
const READ: Readonly<Record<string, (finished: Finished) => unknown>> = {
  inject: ({ stderr }) => podsIn(stderr),
  uninject: ({ stderr }) => podsIn(stderr),
  review: ({ stdout }) => {
    const { namespace, object } = (
      JSON.parse(stdout) as { request: { namespace: string; object: { metadata: { name: string } } } }
    ).request;
    return [`${namespace}/${object.metadata.name}`];
  },
  plan: ({ stdout }) =>
    (JSON.parse(stdout) as { register: { name: string }[] }).register.map((each) => `default/${each.name}`),
  'explain service': ({ code }) => (code === 0 ? ['default/web'] : []),
  'explain pod': ({ code }) => (code === 0 ? ['default/web'] : []),
};

function podsIn(report: string): string[] {
  const { items } = JSON.parse(report) as { items: { kind: string; namespace: string; name: string }[] };
  return items.filter(({ kind }) => kind === 'Pod').map(({ namespace, name }) => `${namespace}/${name}`);
}

for (const [title, input] of Object.entries(SAME)) {
  test(`${title}: every command finds the same objects`, async () => {
    for (const [name, argv] of Object.entries(commands())) {
      const finished = await runInProcess(argv('-'), input);
      const found = READ[name]?.(finished);
      assert.deepEqual(found, ['default/web'], `${name}: ${finished.stderr}`);
    }
  });
}

const REFUSED: Readonly<Record<string, readonly [string | Buffer, RegExp]>> = {
  'a tab as indentation': ['kind: Pod\nmetadata:\n\tname: web\n', /<stdin>:3:1: /],
  'a key twice': ['kind: Pod\nkind: Pod\n', /<stdin>:2:1: /],
  'a key twice behind a byte order mark': ['\uFEFFkind: Pod\nkind: Pod\n', /<stdin>:2:1: /],
  'an error in the first line behind a byte order mark': ['\uFEFFa: [1, }\n', /<stdin>:1:8: /],
  'an error in the third document': [`${BLOCKS[0]}---\n${BLOCKS[1]}---\na: [1\n`, /<stdin>:13:1: /],
  'a Windows path in double quotes': ['path: "C:\\Users"\n', /<stdin>:1:\d+: /],
  'an alias without an anchor': ['a: *b\n', /<stdin>:1:4: the alias \*b has no anchor/],
  'a merge key without a map': ['a: 1\nb:\n  <<: text\n', /<stdin>:3:3: a merge key/],
  'a merge key with an alias of no map': ['a: &a 1\nb: {<<: [*a]}\n', /<stdin>:2:5: a merge key/],
  'an alias of itself': ['a: &a {<<: *a}\n', /<stdin>:1:\d+: /],
  'aliases of aliases of aliases': [
    `a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${[1, 2, 3, 4, 5, 6]
      .map((level) => `a${level}: &a${level} [${`*a${level - 1},`.repeat(10)}]\n`)
      .join('')}`,
    /<stdin>:1:1: /,
  ],
  'bytes that are not UTF-8': [Buffer.from('a: caf\xe9\n', 'latin1'), /cannot read <stdin>/],
  'UTF-16': [Buffer.from('\uFEFFa: b\n', 'utf16le'), /cannot read <stdin>/],
};

for (const [title, [input, message]] of Object.entries(REFUSED)) {
  test(`${title}: every command refuses it, at the same place`, async () => {
    const seen = new Set<string>();
    for (const [name, argv] of Object.entries(commands())) {
      // As people call it: the report of inject has a line for each file.
      const { code, stdout, stderr } = await runInProcess(
        argv('-').filter((word) => word !== '--report=json'),
        input,
      );
      assert.deepEqual([code, stdout], [65, ''], `${name}: ${stderr}`);
      assert.match(stderr, message, name);
      seen.add((stderr.split('\n')[0] ?? '').replace(/^tandem \w+: /, ''));
    }
    assert.equal(seen.size, 1, [...seen].join('\n'));
  });
}

test('nothing in it: no command fails but those that were asked for one object', async () => {
  for (const input of ['', '\n', '# a comment\n', '---\n', '\uFEFF', '{}\n', '[]\n', 'null\n'])
    for (const [name, argv] of Object.entries(commands())) {
      const { code, stderr } = await runInProcess(argv('-'), input);
      const expected = { review: 65, 'explain service': 1, 'explain pod': 1 }[name] ?? 0;
      assert.equal(code, expected, `${name} ${JSON.stringify(input)}: ${stderr}`);
    }
});

test('files, a folder and standard input are named alike', async () => {
  const below = join(folder, 'below');
  await mkdir(below);
  await writeFile(join(below, 'a.yaml'), PLAIN);
  await writeFile(join(below, 'b.json'), '{}');
  await writeFile(join(below, 'c.txt'), 'a: [');
  const none = join(folder, 'none');
  await mkdir(none);
  for (const [name, argv] of Object.entries(commands())) {
    const missing = await runInProcess(argv(join(folder, 'missing.yaml')), '');
    assert.deepEqual([missing.code, /cannot read .*missing\.yaml/.test(missing.stderr)], [65, true], name);
    const empty = await runInProcess(argv(none), '');
    assert.deepEqual([empty.code, /no \.yaml, \.yml or \.json file/.test(empty.stderr)], [65, true], name);
    assert.deepEqual(READ[name]?.(await runInProcess(argv(below), '')), ['default/web'], name);
    const twice = await runInProcess([...argv('-'), '-'], PLAIN);
    assert.deepEqual([twice.code, /can be read only once/.test(twice.stderr)], [2, true], name);
  }
});
