/** `tandem inject` and `uninject` as a person runs them. */
import assert from 'node:assert/strict';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runInProcess } from './in-process.ts';
import { runTandem } from './tandem-process.ts';

// As it runs in a checkout; everything else runs in this process, or as the image has it.
const SOURCES = [join(import.meta.dirname, '../../../bin/tandem.js')];
const EXAMPLES = join(import.meta.dirname, '../../../examples');
const POD = `# a pod
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    consul.hashicorp.com/connect-inject: "true"
spec:
  containers:
    - name: web # the only one
`;
const DENIED = POD.replace(
  'inject: "true"',
  'inject: "true"\n    consul.hashicorp.com/connect-service-upstreams: db\n    consul.hashicorp.com/enable-metrics: perhaps',
);

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'tandem-offline-'))));
after(() => rm(folder, { recursive: true }));

async function file(name: string, text: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
}

test('a review in a folder of manifests is passed through without a word', async () => {
  const { code, stdout, stderr } = await runInProcess(['inject', join(EXAMPLES, 'reviews/job.json')]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, await readFile(join(EXAMPLES, 'reviews/job.json'), 'utf8'));
});

test('inject examples | uninject gives the examples, byte by byte', async () => {
  const untouched = await runInProcess(['uninject', EXAMPLES]);
  const injected = await runTandem(['inject', EXAMPLES], '', {}, SOURCES);
  assert.deepEqual([injected.code, untouched.code], [0, 0]);
  assert.match(injected.stdout, /consul-connect-envoy-sidecar/);
  assert.match(injected.stderr, /job\.yaml:\d+: Job default\/report: injected/);
  const back = await runTandem(['uninject'], injected.stdout, {}, SOURCES);
  assert.equal(back.stdout, untouched.stdout);
  for (const name of (await readdir(EXAMPLES)).filter((each) => each.endsWith('.yaml'))) {
    assert.ok(back.stdout.includes(await readFile(join(EXAMPLES, name), 'utf8')), name);
  }
});

test('one file, and standard input, come out as they are when there is nothing to do', async () => {
  for (const text of [
    '',
    '# only a comment',
    'kind: Other\r\n',
    POD.replace('"true"', '"false"'),
    '{"a":1}',
  ]) {
    assert.deepEqual(await runInProcess(['inject', '-', '--report=none'], text), {
      code: 0,
      stdout: text,
      stderr: '',
    });
  }
});

test('the report names file, line, pod and reason, as text and as JSON', async () => {
  const path = await file(
    'report.yaml',
    `${POD}---\n${POD.replace('"true"', '"false"').replace('name: web', 'name: opted\n  namespace: blue')}`,
  );
  const { stderr } = await runInProcess(['inject', path]);
  assert.equal(
    stderr,
    `${path}:2: Pod default/web: injected\n${path}:13: Pod blue/opted: skipped (opted-out)\n`,
  );
  const json = await runInProcess(['inject', path, '--report=json', '--namespace=green']);
  const { items } = JSON.parse(json.stderr) as { items: Record<string, unknown>[] };
  assert.deepEqual(
    items.map(({ namespace, name, result, reason }) => [namespace, name, result, reason]),
    [
      ['green', 'web', 'injected', undefined],
      ['blue', 'opted', 'skipped', 'opted-out'],
    ],
  );
});

test('--check: 3 when something would change, 0 when not, and no manifests', async () => {
  const path = await file('check.yaml', POD);
  const { code, stdout } = await runInProcess(['inject', '--check', path]);
  assert.deepEqual([code, stdout], [3, '']);
  assert.equal((await runInProcess(['inject', '--check', '-'], 'a: b\n')).code, 0);
});

test('--diff shows what is added, and only that', async () => {
  const { code, stdout } = await runInProcess(['inject', '--diff'], POD);
  assert.equal(code, 0);
  assert.ok(stdout.split('\n').every((line) => !line.startsWith('-') || line.startsWith('---')));
  assert.match(stdout, /^\+ {6}name: consul-connect-inject-data|^\+.*consul-connect-inject-data/m);
});

test('--in-place writes the files, keeps their mode, and leaves nothing beside them', async () => {
  const path = await file('place/one.yaml', POD);
  await chmod(path, 0o640);
  assert.deepEqual(await runInProcess(['inject', '--in-place', join(folder, 'place'), '--report=none']), {
    code: 0,
    stdout: '',
    stderr: '',
  });
  assert.match(await readFile(path, 'utf8'), /# the only one[^]*consul-connect-inject-init/);
  assert.equal((await stat(path)).mode & 0o777, 0o640);
  assert.deepEqual(await readdir(join(folder, 'place')), ['one.yaml']);
  assert.equal((await runInProcess(['uninject', '--in-place', path])).code, 0);
  assert.equal(await readFile(path, 'utf8'), POD);
});

test('--output writes one file', async () => {
  const target = join(folder, 'out.yaml');
  const { code, stdout } = await runInProcess(['inject', '--output', target, '-'], POD);
  assert.deepEqual([code, stdout], [0, '']);
  assert.match(await readFile(target, 'utf8'), /consul-connect-inject-init/);
});

test('dataplane mode offline needs the owner, which stands in the node that the sidecar asks for', async () => {
  const without = await runInProcess(['inject', '--proxy-mode=dataplane', '-'], POD);
  assert.deepEqual([without.code, without.stdout], [2, '']);
  assert.match(without.stderr, /--proxy-mode=dataplane needs --owner/);
  const { code, stdout } = await runInProcess(['inject', '--proxy-mode=dataplane', '--owner=east', '-'], POD);
  assert.equal(code, 0);
  assert.match(stdout, /-proxy-node-name=k8s-east-\$\(NODE_NAME\)/);
});

test('a denied pod: 69, every problem, and nothing is written, also not of the others', async () => {
  const good = await file('denied/a.yaml', POD);
  await file('denied/b.yaml', DENIED);
  const { code, stdout, stderr } = await runInProcess(['inject', '--in-place', join(folder, 'denied')]);
  assert.deepEqual([code, stdout], [69, '']);
  assert.match(
    stderr,
    /b\.yaml:2: Pod default\/web: denied\n.*enable-metrics: "perhaps".*\n.*connect-service-upstreams: "db"/,
  );
  assert.equal(await readFile(good, 'utf8'), POD);
});

test('that nothing is written is the last line of the report, in every form', async () => {
  const texts = [POD, DENIED, DENIED].map((text, index) => file(`kept/${index}.yaml`, text));
  const paths = await Promise.all(texts);
  for (const form of [
    ['--in-place'],
    ['--diff'],
    ['--report=none'],
    ['--output', join(folder, 'kept-out')],
  ]) {
    const { stdout, stderr } = await runInProcess(['inject', ...form, ...paths]);
    assert.equal(stdout, '');
    assert.match(stderr, /\nnothing was written: 2 pods denied\n$/, form.join(' '));
  }
  const json = await runInProcess(['inject', '--report=json', ...paths]);
  assert.equal((JSON.parse(json.stderr) as { notWritten: unknown }).notWritten, '2 pods denied');
  const broken = await runInProcess([
    'inject',
    ...paths.slice(0, 2),
    await file('kept/broken.yaml', 'c: [1\n'),
  ]);
  assert.match(broken.stderr, /\nnothing was written: 1 file unreadable, 1 pod denied\n$/);
  const check = await runInProcess(['inject', '--check', ...paths]);
  assert.doesNotMatch(check.stderr, /nothing was written/);
  assert.doesNotMatch((await runInProcess(['inject', ...paths.slice(0, 1)])).stderr, /nothing was written/);
});

test('a pod of the other mode stays as it is, and the report says how to change it', async () => {
  const flags = ['--proxy-mode=dataplane', '--owner=east'];
  const agent = (await runInProcess(['inject', '-'], POD)).stdout;
  const told = await runInProcess(['inject', ...flags, '-'], agent);
  assert.deepEqual([told.code, told.stdout], [0, agent]);
  assert.match(
    told.stderr,
    /skipped \(already-injected, in agent mode; uninject first to change the mode\)\n/,
  );
  const same = await runInProcess(['inject', '-'], agent);
  assert.match(same.stderr, /skipped \(already-injected\)\n/);
  const dataplane = (await runInProcess(['inject', ...flags, '-'], POD)).stdout;
  assert.match(
    (await runInProcess(['inject', '-'], dataplane)).stderr,
    /already-injected, in dataplane mode; uninject/,
  );
});

test('what cannot be read: 65 with file, line and column', async () => {
  const path = await file('broken.yaml', 'a: b\nc: [1\n');
  const broken = await runTandem(['inject', path, await file('fine.yaml', POD)]);
  assert.deepEqual([broken.code, broken.stdout], [65, '']);
  assert.match(broken.stderr, /broken\.yaml:3:1: /);
  const binary = await runInProcess([
    'inject',
    await file('binary.yaml', Buffer.from([0, 255, 1, 2, 123, 58])),
  ]);
  assert.equal(binary.code, 65);
  const missing = await runInProcess(['inject', join(folder, 'missing.yaml')]);
  assert.deepEqual([missing.code, missing.stdout], [65, '']);
  assert.match(missing.stderr, /cannot read .*missing\.yaml/);
});

test('text of annotations stays text', async () => {
  const hostile = POD.replace(
    'inject: "true"',
    'inject: "true"\n    consul.hashicorp.com/envoy-extra-args: "$(reboot) `id`"\n    consul.hashicorp.com/service-meta-x: "\'; rm -rf / #"',
  );
  const { code, stdout } = await runInProcess(['inject', '--report=none'], hostile);
  assert.equal(code, 0);
  assert.match(stdout, /- \$\$\(reboot\)\n +- "`id`"/);
  assert.equal((await runInProcess(['uninject', '--report=none'], stdout)).stdout, hostile);
});

test('flags that exclude each other, unknown commands and flags: 2, with what was meant', async () => {
  const both = await runInProcess(['inject', '--diff', '--check', '--defualt-inject']);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /did you mean --default-inject\?/);
  assert.match(both.stderr, /--diff and --check exclude each other/);
  const unknown = await runInProcess(['injekt']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /did you mean "inject"\?/);
});

test('a pod that another tool injected is not taken apart', async () => {
  const foreign = POD.replace(
    'inject: "true"',
    'inject: "true"\n    consul.hashicorp.com/connect-inject-status: injected',
  );
  const { code, stderr } = await runInProcess(['uninject'], foreign);
  assert.equal(code, 69);
  assert.match(stderr, /without tandem\/injected/);
});

const CASES =
  'apiVersion: v1\nkind: Pod\nmetadata:\n  name: tool\n  annotations: {consul.hashicorp.com/connect-inject: "true"}\n';

test('scalars mean what they mean for kubectl, in inject and in review', async () => {
  const pod = `${CASES}spec:\n  hostNetwork: yes\n  containers: [{name: tool, image: i}]\n`;
  const { code, stdout, stderr } = await runInProcess(['inject'], pod);
  assert.deepEqual([code, stdout], [0, pod]);
  assert.match(stderr, /Pod default\/tool: skipped \(host-network\)/);
  const review = JSON.parse((await runInProcess(['review'], pod)).stdout) as {
    request: { object: { spec: { hostNetwork: unknown } } };
  };
  assert.equal(review.request.object.spec.hostNetwork, true);
});

test('an annotation without quotes that kubectl reads as a boolean is told, not taken for text', async () => {
  const pod = `${CASES.replace('"true"', 'on')}spec:\n  containers: [{name: tool, image: i}]\n`;
  const { code, stderr } = await runInProcess(['inject'], pod);
  assert.equal(code, 69);
  assert.match(stderr, /quotes/);
});

const ROLLOUT = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: orders}
spec:
  template:
    metadata:
      annotations: {consul.hashicorp.com/connect-inject: "true"}
    spec:
      containers:
        - {name: orders, image: i}
`;

test('the pod template of any kind is injected and comes back byte by byte', async () => {
  const injected = await runInProcess(['inject'], ROLLOUT);
  assert.match(injected.stderr, /Rollout default\/orders: injected/);
  assert.match(injected.stdout, /consul-connect-inject-init/);
  assert.equal((await runInProcess(['uninject'], injected.stdout)).stdout, ROLLOUT);
});

test('a pod of a kind that is not edited is named, and so is an annotation on the workload', async () => {
  const text = `${ROLLOUT.replace('argoproj.io/v1alpha1', 'serving.knative.dev/v1').replace('Rollout', 'Service')}---
${ROLLOUT.replace('argoproj.io/v1alpha1', 'apps/v1')
  .replace('Rollout', 'Deployment')
  .replace(
    '{name: orders}',
    '{name: orders, annotations: {consul.hashicorp.com/connect-service-upstreams: "db:1234", tandem/drain-seconds: "5"}}',
  )}`;
  const { code, stdout, stderr } = await runInProcess(['inject', '--check'], text);
  assert.deepEqual([code, stdout], [3, '']);
  assert.match(
    stderr,
    /Service default\/orders: skipped \(kind-not-edited\)\n {2}warning: spec\.template: Service has a pod here/,
  );
  assert.match(
    stderr,
    /Deployment default\/orders: injected\n {2}warning: metadata\.annotations: "consul\.hashicorp\.com\/connect-service-upstreams" is on the workload[^\n]*\n {2}warning: metadata\.annotations: "tandem\/drain-seconds" is on the workload/,
  );
});

test('a Namespace in any of the files opts its pods in, and makes them transparent', async () => {
  const dir = join(folder, 'namespaces');
  const label = (name: string, word: string): string => `consul.hashicorp.com/${name}: ${word}`;
  const labels = `${label('connect-inject', '"true"')}, ${label('transparent-proxy', '"true"')}`;
  const pod = (namespace: string): string =>
    `apiVersion: v1\nkind: Pod\nmetadata: { name: web, namespace: ${namespace} }\nspec: { containers: [{ name: web }] }\n`;
  await file('namespaces/pods.yaml', `${pod('shop')}---\n${pod('other')}`);
  await file(
    'namespaces/shop.yaml',
    `apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { ${labels} } }\n`,
  );
  const { code, stdout, stderr } = await runInProcess(['inject', dir]);
  assert.equal(code, 0);
  assert.match(stderr, /Pod shop\/web: injected/);
  assert.match(stderr, /Pod other\/web: skipped \(not-opted-in\)/);
  assert.match(stdout, /transparent-proxy-status":"enabled"/);
  const alone = await runInProcess(['inject', '--namespace=shop', join(dir, 'pods.yaml')]);
  assert.match(alone.stderr, /Pod shop\/web: skipped \(not-opted-in\)/);
});

test('review: what the examples hold, and what an API server would send', async () => {
  for (const name of await readdir(join(EXAMPLES, 'reviews'))) {
    const { stdout } = await runInProcess(['review', join(EXAMPLES, name.replace('.json', '.yaml'))]);
    assert.equal(
      stdout,
      await readFile(join(EXAMPLES, 'reviews', name), 'utf8'),
      `examples/reviews/${name} is stale: tandem review`,
    );
  }
  const nothing = await runInProcess(['review'], 'kind: Service\n');
  assert.equal(nothing.code, 65);
  assert.match(nothing.stderr, /no pod/);
});

test('bytes that are no UTF-8 are refused, never rewritten', async () => {
  const bytes = Buffer.concat([Buffer.from(POD), Buffer.from('# caf\xe9\n', 'latin1')]);
  const path = await file('latin.yaml', bytes);
  const { code, stdout } = await runInProcess(['inject', '--in-place', path]);
  assert.deepEqual([code, stdout], [65, '']);
  assert.deepEqual(await readFile(path), bytes);
});

test('a byte order mark on standard input stays, and one in the middle of a stream goes', async () => {
  const text = '\uFEFFkind: Other\n';
  const [one, two] = [await file('bom/1.yaml', text), await file('bom/2.yaml', text)];
  const target = join(folder, 'bom/out');
  assert.equal((await runInProcess(['inject', '--output', target, '-'], text)).code, 0);
  assert.deepEqual(await readFile(target), Buffer.from(text));
  assert.equal((await runInProcess(['inject', '--output', target, one, two])).code, 0);
  assert.deepEqual(await readFile(target), Buffer.from(`${text}---\nkind: Other\n`));
});

test('files are joined to a stream that can be read again, whatever they begin and end with', async () => {
  const texts = ['a: 1', '# only a comment\n', '', '---\nb: 2\n', '%YAML 1.2\n---\nc: 3\n', '{"d":4}'];
  const paths = await Promise.all(texts.map((text, index) => file(`joined/${index}.yaml`, text)));
  const { code, stdout } = await runInProcess(['inject', ...paths]);
  assert.equal(code, 0);
  assert.equal(stdout, 'a: 1\n---\n# only a comment\n---\nb: 2\n...\n%YAML 1.2\n---\nc: 3\n---\n{"d":4}');
  assert.deepEqual(await runInProcess(['inject', '-'], stdout), { code: 0, stdout, stderr: '' });
});

test('a link stays a link, and what it points to is written', async () => {
  const target = await file('links/target.yaml', POD);
  const link = join(folder, 'links/link.yaml');
  await symlink(target, link);
  assert.equal((await runInProcess(['inject', '--in-place', link])).code, 0);
  assert.ok((await lstat(link)).isSymbolicLink());
  assert.match(await readFile(target, 'utf8'), /consul-connect-inject-init/);
});

test('--output writes each file below a folder, with the folders that are in the input', async () => {
  await file('tree/a.yaml', POD);
  await file('tree/deep/b.yml', 'kind: Other\n');
  await file('tree/not-a-file.yaml/c.json', '{"kind": "Other"}');
  await file('tree/notes.txt', 'no manifest: [');
  const out = join(folder, 'written/');
  const { code, stdout } = await runInProcess(['inject', '--output', out, join(folder, 'tree')]);
  assert.deepEqual([code, stdout], [0, '']);
  assert.match(await readFile(join(out, 'a.yaml'), 'utf8'), /consul-connect-inject-init/);
  assert.equal(await readFile(join(out, 'deep/b.yml'), 'utf8'), 'kind: Other\n');
  assert.equal(await readFile(join(out, 'not-a-file.yaml/c.json'), 'utf8'), '{"kind": "Other"}');
  assert.deepEqual((await readdir(out)).toSorted(), ['a.yaml', 'deep', 'not-a-file.yaml']);
  const twice = await runInProcess([
    'inject',
    '--output',
    out,
    join(out, 'a.yaml'),
    join(folder, 'tree/a.yaml'),
  ]);
  assert.equal(twice.code, 2);
  assert.match(twice.stderr, /would both be/);
});

test('when one file cannot be written, none is', async () => {
  const good = await file('whole/a.yaml', POD);
  await file('whole/b.yaml', POD);
  const out = join(folder, 'whole-out/');
  // A folder where the second file has to go.
  await file('whole-out/b.yaml/in-the-way', '');
  await file('whole-out/a.yaml', 'old\n');
  const { code, stderr } = await runInProcess(['inject', '--output', out, join(folder, 'whole')]);
  assert.equal(code, 1);
  assert.match(stderr, /cannot write .*b\.yaml/);
  assert.equal(await readFile(join(out, 'a.yaml'), 'utf8'), 'old\n');
  assert.deepEqual((await readdir(out)).toSorted(), ['a.yaml', 'b.yaml']);
  assert.equal(await readFile(good, 'utf8'), POD);
});

test('what makes no sense on a command line: 2, and nothing is read or written', async () => {
  for (const [args, message] of [
    [['--in-place', '-'], /--in-place needs files/],
    [['--in-place'], /--in-place needs files/],
    [['-', '-'], /can be read only once/],
    [['--output', folder, '-'], /standard input has no name/],
  ] as const) {
    const { code, stdout, stderr } = await runInProcess(['inject', ...args], POD);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, message);
  }
});

test('a folder without manifests is told, not passed over', async () => {
  await file('none/readme.txt', '');
  const { code, stderr } = await runInProcess(['inject', join(folder, 'none')]);
  assert.equal(code, 65);
  assert.match(stderr, /no \.yaml, \.yml or \.json file/);
});

test('--report: JSON holds what could not be read, and none still tells what is wrong', async () => {
  const broken = await file('reports/broken.yaml', 'a: [1\n');
  const json = await runInProcess(['inject', '--report=json', broken, '-'], POD);
  const { items, unreadable } = JSON.parse(json.stderr) as { items: unknown[]; unreadable: unknown[] };
  assert.deepEqual([json.code, items.length, unreadable.length], [65, 1, 1]);
  const denied = await runInProcess(['inject', '--report=none', '-'], `${DENIED}---\n${POD}`);
  assert.equal(denied.code, 69);
  assert.match(denied.stderr, /denied\n/);
  assert.doesNotMatch(denied.stderr, /: injected/);
});

test('a diff is one that patch and git can apply', async () => {
  const { stdout } = await runInProcess(['inject', '--diff', await file('diff/a.yaml', POD)]);
  assert.match(stdout, /^--- .*a\.yaml\n\+\+\+ .*a\.yaml\n@@ /);
});
