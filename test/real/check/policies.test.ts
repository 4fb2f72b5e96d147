/** The policies of docs/install.md: `tandem check` is content with each, and names every rule that is taken away. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { startScene } from '../harness/scene.ts';
import { tandemCheck, type Checked } from '../harness/tandem-check.ts';

const INSTALL = readFileSync(join(import.meta.dirname, '../../../docs/install.md'), 'utf8');

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { acls: true })]);
const kubeconfig = api.kubeconfig();
const spec = { type: 'ExternalName', externalName: 'web.example.com', ports: [{ port: 80 }] };
await clusterObjects(api).service('web', spec);

/** The rules of the policy that begins with this comment. */
function documented(title: string): readonly string[] {
  const block = INSTALL.match(/```hcl\n[^`]*```/g)?.find((each) => each.startsWith('```hcl\n# ' + title));
  assert.ok(block !== undefined, `docs/install.md has no policy of ${title}`);
  return block.split('\n').slice(2, -1);
}

async function check(rules: readonly string[], flags: readonly string[]): Promise<Checked> {
  const Name = `policy-${Math.random().toString(36).slice(2)}`;
  await consul.call('PUT', '/v1/acl/policy', { Name, Rules: rules.join('\n') });
  const { SecretID } = (await consul.call('PUT', '/v1/acl/token', { Policies: [{ Name }] })) as {
    readonly SecretID: string;
  };
  const common = [`--kubeconfig=${kubeconfig}`, `--consul-http-addr=${consul.url}`, '--owner=east'];
  return tandemCheck([...common, '--account=sync', ...flags], SecretID);
}

const registrar = ['--to-consul=false', '--registrar'];
const [acl = ''] = documented('connectInject.overrideAuthMethodName');
const policies: readonly [string, readonly string[], readonly string[]][] = [
  ['the catalog sync', documented('the catalog sync'), []],
  [
    'the registrar, dataplane mode',
    documented('the registrar, with pods in dataplane mode'),
    [...registrar, '--proxy-mode=dataplane'],
  ],
  ['the registrar, agent mode', documented('the registrar, with pods in agent mode'), registrar],
  ['syncCatalog.toK8S', documented('syncCatalog.toK8S'), ['--to-consul=false', '--to-k8s']],
  [
    'the registrar with an auth method',
    [...documented('the registrar, with pods in agent mode'), acl],
    [...registrar, '--pod-auth-method=k8s'],
  ],
];

for (const [name, rules, flags] of policies) {
  test(`${name}: the documented policy is all that is asked for`, async () => {
    const checked = await check(rules, flags);
    assert.match(checked.of('token-rights').join('\n'), /^ok: all \d rights that are needed are granted$/);
    assert.equal(checked.code, 0);
  });

  for (const rule of rules) {
    test(`${name}: without ${rule}`, async () => {
      const others = rules.filter((each) => each !== rule);
      const checked = await check(others, flags);
      const [said, ...more] = checked.of('token-rights');
      // The sync asks for each of its services.
      const expected = flags.length === 0 ? rule.replace('service_prefix ""', 'service "web"') : rule;
      assert.ok(said?.includes(` → add to its policy: ${expected}`), said);
      assert.deepEqual(more, []);
      // To leave tokens of dead pods is a choice.
      assert.equal(checked.code, rule === acl ? 0 : 1);
    });
  }
}

test('a registrar that deletes no tokens needs no right to do so', async () => {
  const rules = documented('the registrar, with pods in agent mode');
  const flags = [...registrar, '--pod-auth-method=k8s', '--delete-pod-tokens=false'];
  const checked = await check(rules, flags);
  assert.match(checked.of('token-rights').join('\n'), /^ok: all \d rights/);
});

test('the sum of the policies is enough for all of it at once', async () => {
  const all = policies.flatMap(([, rules]) => rules);
  const flags = ['--registrar', '--proxy-mode=dataplane', '--pod-auth-method=k8s', '--to-k8s'];
  const checked = await check([...new Set(all)].filter(isNotWeaker(all)), flags);
  assert.match(checked.of('token-rights').join('\n'), /^ok: all 6 rights/);
});

/** Consul refuses a policy with two rules of one name. */
function isNotWeaker(all: readonly string[]): (rule: string) => boolean {
  return (rule) => !rule.includes('"read"') || !all.includes(rule.replace('"read"', '"write"'));
}

test('a rule of one node does not stand for those of all pods', async () => {
  const [, read = '', services = ''] = documented('the registrar, with pods in dataplane mode');
  const flags = [...registrar, '--proxy-mode=dataplane'];
  const one = await check(['node "k8s-east-node-1" { policy = "write" }', read, services], flags);
  assert.deepEqual(one.of('token-rights'), [
    'failure: the token may not write the nodes that begin with "k8s-east-" → add to its policy: node_prefix "k8s-east-" { policy = "write" }',
  ]);
});
