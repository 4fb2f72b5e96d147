/** What must hold of deploy/manifests whoever edits it. That a real API server takes them is for the real suite. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { syncCommand } from '../../../src/cli/sync-command.ts';
import { webhookCommand } from '../../../src/cli/webhook-command.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { property } from '../../../src/support/json.ts';

const FOLDER = join(import.meta.dirname, '../../../deploy/manifests');

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce(
    (found: unknown, key) => (Array.isArray(found) ? found[Number(key)] : property(found, String(key))),
    value,
  );
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
const objects = files
  .filter((name) => name !== 'kustomization.yaml')
  .flatMap((name) =>
    parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8')).map((document) => document.toJS() as unknown),
  );

function one(kind: string, name = 'tandem-webhook'): unknown {
  const found = objects.filter(
    (object) => at(object, 'kind') === kind && at(object, 'metadata', 'name') === name,
  );
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0];
}

const WORKLOADS = [
  { name: 'tandem-webhook', word: 'webhook', command: webhookCommand, ports: ['listen', 'statusListen'] },
  { name: 'tandem-sync', word: 'sync', command: syncCommand, ports: ['statusListen'] },
];

test('kustomization lists every file', () => {
  const kustomization = parseAllDocuments(
    readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8'),
  )[0]?.toJS() as unknown;
  const listed = at(kustomization, 'resources') as string[];
  assert.deepEqual(listed.toSorted(), files.filter((name) => name !== 'kustomization.yaml').toSorted());
});

test('the entries of the webhook configuration keep the rules', () => {
  const webhooks = at(one('MutatingWebhookConfiguration'), 'webhooks') as unknown[];
  assert.equal(webhooks.length, 6);
  for (const webhook of webhooks) {
    assert.deepEqual(
      [
        'failurePolicy',
        'matchPolicy',
        'reinvocationPolicy',
        'sideEffects',
        'timeoutSeconds',
        'admissionReviewVersions',
      ].map((key) => at(webhook, key)),
      ['Fail', 'Equivalent', 'IfNeeded', 'None', 5, ['v1', 'v1beta1']],
    );
    assert.deepEqual(at(webhook, 'rules'), [
      {
        operations: ['CREATE'],
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['pods'],
        scope: 'Namespaced',
      },
    ]);
    assert.deepEqual(at(webhook, 'namespaceSelector', 'matchExpressions', 0), {
      key: 'kubernetes.io/metadata.name',
      operator: 'NotIn',
      values: ['kube-system', 'kube-public', 'kube-node-lease', 'tandem'],
    });
    const { name, namespace, path } = at(webhook, 'clientConfig', 'service') as Record<string, string>;
    assert.deepEqual(
      [name, namespace],
      [at(one('Service'), 'metadata', 'name'), at(one('Namespace', 'tandem'), 'metadata', 'name')],
    );
    // k8s.io/apiserver, pkg/util/webhook/validation.go: each step of the path is a DNS subdomain.
    assert.match(String(path), /^(\/[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/);
  }
  assert.deepEqual(
    webhooks.map((webhook) => at(webhook, 'namespaceSelector', 'matchExpressions', 1, 'operator')),
    ['NotIn', 'NotIn', 'NotIn', 'In', 'In', 'In'],
  );
  assert.deepEqual(
    webhooks.map((webhook) =>
      ((at(webhook, 'matchConditions') ?? []) as unknown[]).map((each) => at(each, 'name')),
    ),
    [['asks-or-claims'], ['asks-or-claims'], ['asks-or-claims'], [], [], []],
  );
});

for (const { name, word, command, ports } of WORKLOADS) {
  test(`the Deployment ${name} is safe: two replicas, restricted, no service links`, () => {
    const deployment = one('Deployment', name);
    const pod = at(deployment, 'spec', 'template', 'spec');
    const container = at(pod, 'containers', 0);
    assert.equal(at(deployment, 'spec', 'replicas'), 2);
    assert.equal(at(pod, 'enableServiceLinks'), false);
    assert.equal(at(pod, 'securityContext', 'runAsNonRoot'), true);
    assert.equal(at(pod, 'securityContext', 'seccompProfile', 'type'), 'RuntimeDefault');
    assert.deepEqual(at(container, 'securityContext'), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.ok(at(container, 'resources', 'requests', 'memory'));
    assert.equal(at(pod, 'serviceAccountName'), at(one('ServiceAccount', name), 'metadata', 'name'));
  });

  test(`the disruption budget of ${name} leaves room for a drain, and covers its pods`, () => {
    const budget = one('PodDisruptionBudget', name);
    const deployment = one('Deployment', name);
    assert.ok(Number(at(budget, 'spec', 'minAvailable')) < Number(at(deployment, 'spec', 'replicas')));
    const labels = at(deployment, 'spec', 'template', 'metadata', 'labels');
    assert.deepEqual(at(budget, 'spec', 'selector', 'matchLabels'), labels);
    assert.deepEqual(at(deployment, 'spec', 'selector', 'matchLabels'), labels);
  });

  test(`the arguments of ${name} are flags of the command, and the ports are its own`, () => {
    const container = at(one('Deployment', name), 'spec', 'template', 'spec', 'containers', 0);
    const [called, ...args] = at(container, 'args') as string[];
    assert.equal(called, word);
    const parsed = parseFlags(command.flags, args, {});
    assert.ok(parsed.ok, JSON.stringify(parsed));
    const opened = (at(container, 'ports') as unknown[]).map((port) => at(port, 'containerPort'));
    assert.deepEqual(
      opened,
      ports.map((flag) => at(parsed.values, flag, 'port')),
    );
  });

  test(`the roles of ${name} are bound to its account`, () => {
    const subjects = [{ kind: 'ServiceAccount', name, namespace: 'tandem' }];
    for (const kind of ['ClusterRole', 'Role']) {
      const binding = one(`${kind}Binding`, name);
      assert.deepEqual(at(binding, 'subjects'), subjects);
      assert.equal(at(binding, 'roleRef', 'kind'), kind);
      assert.equal(at(binding, 'roleRef', 'name'), at(one(kind, name), 'metadata', 'name'));
    }
  });
}

test('the namespace enforces the restricted profile', () => {
  const labels = at(one('Namespace', 'tandem'), 'metadata', 'labels');
  assert.equal(at(labels, 'pod-security.kubernetes.io/enforce'), 'restricted');
});

test('the rights of the webhook name what they are for, and creation is the only one that cannot', () => {
  assert.deepEqual(at(one('ClusterRole'), 'rules'), [
    { nonResourceURLs: ['/version'], verbs: ['get'] },
    {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations'],
      resourceNames: [at(one('MutatingWebhookConfiguration'), 'metadata', 'name')],
      verbs: ['list', 'watch', 'patch'],
    },
  ]);
  const rules = at(one('Role'), 'rules') as { resourceNames?: string[]; verbs: string[] }[];
  for (const { resourceNames, verbs } of rules) {
    if (resourceNames === undefined) assert.deepEqual(verbs, ['create']);
    else assert.deepEqual(resourceNames, ['tandem-webhook-tls']);
  }
});

test('the certificate is for the Service, and the bundle is that of the configuration', () => {
  const container = at(one('Deployment'), 'spec', 'template', 'spec', 'containers', 0);
  const [, ...args] = at(container, 'args') as string[];
  const { values } = parseFlags(webhookCommand.flags, args, {});
  assert.deepEqual(
    ['tlsAuto', 'tlsAutoSecret', 'tlsAutoService', 'webhookConfiguration'].map((key) => values[key]),
    [
      true,
      'tandem-webhook-tls',
      at(one('Service'), 'metadata', 'name'),
      at(one('MutatingWebhookConfiguration'), 'metadata', 'name'),
    ],
  );
  assert.deepEqual(webhookCommand.check?.(values), []);
});

test('the Service leads to the pods of the webhook', () => {
  const labels = at(one('Deployment'), 'spec', 'template', 'metadata', 'labels');
  assert.deepEqual(at(one('Service'), 'spec', 'selector'), labels);
});

test('the webhook has the time to answer what it took on', () => {
  const pod = at(one('Deployment'), 'spec', 'template', 'spec');
  const [, ...args] = at(pod, 'containers', 0, 'args') as string[];
  const { values } = parseFlags(webhookCommand.flags, args, {});
  const grace = Number(at(pod, 'terminationGracePeriodSeconds'));
  assert.ok(grace > Number(at(values, 'shutdownDelay')) + 30);
});

test('the overlay in docs/install.md replaces the address of Consul', () => {
  const patch = /path: \/(\S+), value: (--\S+?)=/.exec(
    readFileSync(join(FOLDER, '../../docs/install.md'), 'utf8'),
  );
  const replaced = at(one('Deployment', 'tandem-sync'), ...(patch?.[1] ?? '').split('/'));
  assert.match(String(replaced), /^--consul-http-addr=/);
  assert.equal(patch?.[2], '--consul-http-addr');
});
