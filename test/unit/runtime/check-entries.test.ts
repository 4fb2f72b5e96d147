/** What `tandem check --config-entries` reads of a cluster, and what it makes of answers that say nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { entryFindings } from '../../../src/check/entry-findings.ts';
import type { ApiAnswer } from '../../../src/kubernetes/api-client.ts';
import { entryFacts } from '../../../src/runtime/check-entries.ts';

type Answers = Readonly<Record<string, readonly [status: number, body: object]>>;

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/meshes.consul.hashicorp.com';
const OBJECTS = '/apis/consul.hashicorp.com/v1alpha1/meshes';
const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const NO_OBJECTS = { kind: 'List', metadata: { resourceVersion: '1' }, items: [] };
const ESTABLISHED = {
  metadata: {
    annotations: { 'meta.helm.sh/release-name': 'tandem', 'helm.sh/resource-policy': 'keep' },
  },
  status: { conditions: [{ type: 'Established', status: 'True' }] },
};
const FINE: Answers = {
  [CRD]: [200, ESTABLISHED],
  [OBJECTS]: [200, NO_OBJECTS],
  [WEBHOOKS]: [200, NO_OBJECTS],
};

/** The lines that are printed. */
async function said(answers: Answers, asksWebhooks = true): Promise<readonly string[]> {
  const kind = entryKindOf('Mesh');
  assert.ok(kind !== undefined);
  const request = (_method: string, path: string): Promise<ApiAnswer> => {
    const [status, body] = { ...FINE, ...answers }[path.split('?')[0] ?? ''] ?? assert.fail(path);
    return Promise.resolve({ status, body, weight: 1, headers: {} });
  };
  const questions = { client: { request }, kinds: [kind], adopt: false, asksWebhooks };
  return entryFindings(await entryFacts(questions, new AbortController().signal)).map(
    (finding) => `${finding.status} ${finding.seen}`,
  );
}

test('a cluster with its CRDs and nothing of consul-k8s', async () => {
  assert.deepEqual(await said({}), ['ok all 1 CRDs are established, of the Helm release tandem']);
});

test('a CRD that is missing, not established, or goes with its release', async () => {
  const line = async (status: number, body: object): Promise<string> =>
    (await said({ [CRD]: [status, body] })).join();
  assert.match(await line(404, {}), /^failure 1 of 1 CRDs are not installed: meshes\.consul/);
  assert.match(
    await line(200, { status: { conditions: [{ type: 'Established', status: 'False' }] } }),
    /^failure CRDs are not established/,
  );
  const annotations = { 'meta.helm.sh/release-name': 'consul' };
  assert.match(
    await line(200, { ...ESTABLISHED, metadata: { annotations } }),
    /^warning uninstalling consul deletes 1 CRDs/,
  );
});

test('an object that only the finalizer of consul-k8s keeps, and no other', async () => {
  const finalizers = ['example.com/other', 'finalizers.consul.hashicorp.com'];
  const object = (name: string, more: object): object => ({
    metadata: { namespace: 'shop', name, uid: name, resourceVersion: '1', ...more },
  });
  const items = [
    object('kept', { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers }),
    object('alive', { finalizers }),
    object('other', { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['example.com/other'] }),
  ];
  const [, ...left] = await said({ [OBJECTS]: [200, { ...NO_OBJECTS, items }] });
  assert.deepEqual(left, [
    'warning meshes shop/kept is being deleted, and finalizers.consul.hashicorp.com keeps it',
  ]);
});

test('webhooks for config entries are told, those for pods are not, and an account that may not list is not asked', async () => {
  const webhook = (name: string, group: string): object => ({ name, rules: [{ apiGroups: [group] }] });
  const items = [
    {
      metadata: { name: 'consul-connect-injector' },
      webhooks: [webhook('mutate-mesh.consul', 'consul.hashicorp.com'), webhook('pods.consul', '')],
    },
    { metadata: { name: 'tandem-webhook' }, webhooks: [webhook('pods.tandem', '')] },
  ];
  const answers: Answers = { [WEBHOOKS]: [200, { ...NO_OBJECTS, items }] };
  const [, ...found] = await said(answers);
  assert.equal(found.length, 1);
  assert.match(
    found.join(),
    /^warning consul-connect-injector has webhooks for config entries, such as mutate-mesh\.consul/,
  );
  assert.equal((await said(answers, false)).length, 1);
});

test('what the account may not read is not taken for absent', async () => {
  const denied = [403, { message: 'forbidden' }] as const;
  const lines = await said({ [CRD]: denied, [OBJECTS]: denied, [WEBHOOKS]: denied });
  assert.deepEqual(
    lines.map(
      (line) =>
        /^warning cannot tell whether (?<what>the CRDs|consul-k8s|webhooks) .*status 403/.exec(line)
          ?.groups?.['what'],
    ),
    ['the CRDs', 'consul-k8s', 'webhooks'],
  );
  // Without the CRD there is no such collection, which is no failure.
  const none = await said({ [CRD]: [404, {}], [OBJECTS]: [404, { message: 'no such resource' }] });
  assert.equal(none.length, 1);
});
