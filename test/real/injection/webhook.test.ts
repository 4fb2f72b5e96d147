/** Pods created through a real API server that calls a real webhook, by the manifests as they ship. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { property } from '../../../src/support/json.ts';
import { JSON_PATCH, type Answer } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startScene } from '../harness/scene.ts';
import { ROOT, startWebhook } from '../harness/shipped-manifests.ts';
import { assertOutcomes } from './namespace-labels.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);
const webhook = await startWebhook(scene, api, ['--native-sidecar=on']);

const OPT_IN = 'consul.hashicorp.com/connect-inject';
await api.createNamespace('shop');
await api.createNamespace('meshed', { [OPT_IN]: 'true' });
await api.createNamespace('restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });

type Pod = {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>>; readonly labels?: object };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
};
type Container = {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
};

const asking = { [OPT_IN]: 'true', 'consul.hashicorp.com/connect-service-upstreams': 'db:1234' };

function podOf(name: string, annotations: Readonly<Record<string, string>> | undefined): object {
  return {
    metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
    spec: { containers: [{ name: 'web', image: 'example/web:1', ports: [{ containerPort: 8080 }] }] },
  };
}

function create(namespace: string, pod: object, query = ''): Promise<Answer> {
  return api.admin.request('POST', `/api/v1/namespaces/${namespace}/pods${query}`, pod);
}

function messageOf({ body }: Answer): string {
  return String(property(body, 'message'));
}

function isInjected(pod: unknown): boolean {
  return (
    (pod as Pod).spec.initContainers?.some(({ name }) => name === 'consul-connect-envoy-sidecar') ?? false
  );
}

/** What the webhook answered while `action` ran, by `result/reason`. */
async function reached(action: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  const before = await webhook.admissions();
  await action();
  const grown = [...(await webhook.admissions())].map(
    ([answer, count]) => [answer, count - (before.get(answer) ?? 0)] as const,
  );
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

/** The API server asks again after its own plugins have completed a pod. */
const ONCE_AND_AGAIN = { 'injected/injected': 1, 'allowed/already-injected': 1 };

test('a pod that asks for it comes back with sidecar, variables and status', async () => {
  const { status, body } = await create('shop', podOf('asks', asking));
  assert.equal(status, 201);
  const pod = body as Pod;
  assert.deepEqual(
    pod.spec.initContainers?.map(({ name }) => name),
    ['consul-connect-inject-init', 'consul-connect-envoy-sidecar'],
  );
  assert.deepEqual(
    pod.spec.containers[0]?.env?.map(({ name, value }) => `${name}=${value}`),
    ['DB_CONNECT_SERVICE_HOST=127.0.0.1', 'DB_CONNECT_SERVICE_PORT=1234'],
  );
  assert.equal(pod.metadata.annotations?.['consul.hashicorp.com/connect-inject-status'], 'injected');
  const stored = await api.admin.expect('GET', '/api/v1/namespaces/shop/pods/asks');
  assert.ok(isInjected(stored), 'what is stored is what came back');
});

test('a pod that does not ask never reaches the webhook', async () => {
  const plain = await reached(async () => {
    for (const [name, annotations] of [
      ['no-annotations', undefined],
      ['other-annotations', { note: 'x' }],
    ] as const) {
      const { status, body } = await create('shop', podOf(name, annotations));
      assert.equal(status, 201);
      assert.ok(!isInjected(body));
    }
  });
  assert.deepEqual(plain, {});
  assert.deepEqual(await reached(() => create('shop', podOf('counted', asking))), ONCE_AND_AGAIN);
});

test('a namespace opts in by its label, and a pod of it opts out by its annotation', async () => {
  const { status, body } = await create('meshed', podOf('plain', undefined));
  assert.equal(status, 201);
  assert.ok(isInjected(body));
  const out = await create('meshed', podOf('out', { [OPT_IN]: 'false' }));
  assert.ok(!isInjected(out.body));
  const asks = await reached(async () => {
    const { body: pod } = await create('meshed', podOf('asks-too', asking));
    assert.ok(isInjected(pod));
  });
  assert.deepEqual(asks, ONCE_AND_AGAIN, 'one of the two entries calls for it, never both');
});

test('a dry run shows the injected pod and keeps nothing', async () => {
  const { status, body } = await create('shop', podOf('dry', asking), '?dryRun=All');
  assert.equal(status, 201);
  assert.ok(isInjected(body));
  assert.equal((await api.admin.request('GET', '/api/v1/namespaces/shop/pods/dry')).status, 404);
});

test('a denied pod says every problem to whoever creates it', async () => {
  const bad = { ...asking, 'consul.hashicorp.com/connect-service-upstreams': 'db, cache:0' };
  const denied = await create('shop', podOf('denied', bad));
  assert.equal(denied.status, 422);
  assert.match(messageOf(denied), /admission webhook "pods\.inject\.tandem\.dev" denied the request/);
  assert.match(messageOf(denied), /"db": no ":".*"cache:0"/s);
  assert.equal((await api.admin.request('GET', '/api/v1/namespaces/shop/pods/denied')).status, 404);
});

test('a controller that makes the pod gets the same text, for its own event', async () => {
  const controller = await replicaSet('frontend');
  const denied = await create('shop', {
    metadata: {
      generateName: 'frontend-',
      annotations: { [OPT_IN]: 'perhaps' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'frontend', uid: controller, controller: true },
      ],
    },
    spec: { containers: [{ name: 'web', image: 'example/web:1' }] },
  });
  assert.equal(denied.status, 422);
  // kube-controller-manager writes "Error creating: " and this text into FailedCreate.
  assert.match(messageOf(denied), /consul\.hashicorp\.com\/connect-inject: "perhaps" is not one of/);
});

async function replicaSet(name: string): Promise<string> {
  const labels = { app: name };
  const created = await api.admin.expect('POST', '/apis/apps/v1/namespaces/shop/replicasets', {
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'example/web:1' }] } },
    },
  });
  return created.metadata.uid ?? '';
}

test('an injected pod that is created again is left as it is', async () => {
  const { body } = await create('shop', podOf('first', asking));
  const { metadata, spec } = body as Pod;
  const again = await create('shop', {
    metadata: { name: 'second', annotations: metadata.annotations, labels: metadata.labels },
    spec,
  });
  assert.equal(again.status, 201, messageOf(again));
  assert.deepEqual((again.body as Pod).spec.initContainers, spec.initContainers);
  const empty = { ...asking, 'consul.hashicorp.com/connect-inject-status': '' };
  assert.ok(isInjected((await create('shop', podOf('empty-status', empty))).body), 'an empty status is none');
});

test('a pod that says that it is injected, and is not, gets nowhere by any of its claims', async () => {
  const status = 'consul.hashicorp.com/connect-inject-status';
  const claims: readonly (readonly [string, object])[] = [
    ['annotation', { annotations: { [status]: 'injected' } }],
    ['asking', { annotations: { ...asking, [status]: 'injected' } }],
    ['opted-out', { annotations: { [OPT_IN]: 'false', [status]: 'injected' } }],
    ['label', { labels: { [status]: 'injected' } }],
    ['record', { annotations: { 'tandem/injected': '{}' } }],
  ];
  for (const namespace of ['shop', 'meshed'])
    for (const [name, claim] of claims) {
      const pod = { ...podOf(`claims-${name}`, undefined), metadata: { name: `claims-${name}`, ...claim } };
      const denied = await create(namespace, pod);
      assert.equal(denied.status, 422, `${namespace} ${name}`);
      assert.match(messageOf(denied), /claims to be injected and is not/);
    }
});

test('kube-system and the namespace of Tandem are never touched, asked or not', async () => {
  for (const namespace of ['kube-system', 'tandem']) {
    // The controller manager would make them.
    if (namespace === 'kube-system') {
      await api.admin.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    }
    await api.admin.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
      metadata: { name: 'default' },
    });
    const count = await reached(async () => {
      const { status, body } = await create(namespace, restrictedPod('asks', asking));
      assert.equal(status, 201, namespace);
      assert.ok(!isInjected(body), namespace);
    });
    assert.deepEqual(count, {}, namespace);
  }
});

/** A pod that the restricted profile allows. */
function restrictedPod(name: string, annotations: Readonly<Record<string, string>>): object {
  return {
    metadata: { name, annotations },
    spec: {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'web',
          image: 'example/web:1',
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}

test('a namespace of the restricted profile takes an injected pod', async () => {
  const { status, body, warnings } = await create('restricted', restrictedPod('asks', asking));
  assert.equal(status, 201, String(property(body, 'message')));
  assert.ok(isInjected(body));
  assert.deepEqual(warnings, []);
  const refused = await create('restricted', podOf('unrestricted', asking));
  assert.equal(refused.status, 403, 'the profile is enforced');
  assert.doesNotMatch(messageOf(refused), /consul-connect/, 'and what it objects to is not of Tandem');
});

test('the pod of the Deployment is one that its own namespace takes', async () => {
  const deployment = await api.admin.expect(
    'GET',
    '/apis/apps/v1/namespaces/tandem/deployments/tandem-webhook',
  );
  const template = property(property(deployment, 'spec'), 'template') as { metadata: object; spec: object };
  const created = await create('tandem', {
    metadata: { ...template.metadata, generateName: 'tandem-webhook-' },
    spec: template.spec,
  });
  assert.equal(created.status, 201, messageOf(created));
});

test('the restricted profile takes every pod of the examples, injected when it asks for it', async () => {
  const folder = join(ROOT, 'examples');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  assert.ok(files.length >= 5);
  let pods = 0;
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      const object: unknown = document.toJS();
      const kind = property(object, 'kind');
      const template = kind === 'Pod' ? object : property(property(object, 'spec'), 'template');
      if (template === undefined) continue;
      const { metadata, spec } = template as {
        metadata: object;
        spec: { readonly volumes?: readonly object[] };
      };
      const { status, body } = await create('restricted', {
        metadata: { ...metadata, namespace: 'restricted', name: undefined, generateName: 'example-' },
        spec: { ...spec, volumes: [...(spec.volumes ?? []), ...claimsOf(object)] },
      });
      assert.equal(status, 201, `${file}: ${String(property(body, 'message'))}`);
      const asks = property(property(metadata, 'annotations'), OPT_IN) === 'true';
      assert.equal(isInjected(body), asks, file);
      pods += 1;
    }
  }
  assert.ok(pods >= 6, `${pods} pods`);
});

test('a path with a query is refused, which is why the second entry has a path of its own', async () => {
  const name = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tandem-webhook';
  const service = { name: 'tandem-webhook', namespace: 'tandem', path: '/mutate?default=on' };
  const value = { op: 'replace', path: '/webhooks/1/clientConfig', value: { service } };
  const { status, body } = await api.admin.request('PATCH', `${name}?dryRun=All`, [value], JSON_PATCH);
  assert.equal(status, 422);
  assert.match(String(property(body, 'message')), /clientConfig\.service\.path/);
});

/** The volumes that the controller of a StatefulSet makes of its claim templates. */
function claimsOf(object: unknown): readonly object[] {
  const templates = (property(property(object, 'spec'), 'volumeClaimTemplates') ?? []) as {
    readonly metadata: { readonly name: string };
  }[];
  return templates.map(({ metadata: { name } }) => ({
    name,
    persistentVolumeClaim: { claimName: `${name}-0` },
  }));
}

for (const byDefault of [false, true])
  test(`labels of a new namespace, annotations of its pods, transparent by default: ${byDefault}`, async () => {
    await webhook.process().stop();
    await webhook.restart([`--transparent-proxy=${byDefault}`]);
    let injected = 0;
    const answers = await reached(async () => (injected = await assertOutcomes(api, byDefault)));
    assert.equal(injected, 4 * 3 + 4 * 6);
    const { 'injected/injected': once, 'allowed/already-injected': again } = answers;
    assert.deepEqual([once, again], [injected, injected], 'each meets one of the six entries, never two');
  });

// The last: it leaves no webhook behind.
test('a dead webhook holds up only the pods that ask for injection', async () => {
  await webhook.process().stop();
  const plain = await create('shop', podOf('plain-while-dead', undefined));
  assert.equal(plain.status, 201);
  assert.equal((await create('kube-system', restrictedPod('asks-while-dead', asking))).status, 201);
  for (const [namespace, pod] of [
    ['shop', podOf('asks-while-dead', asking)],
    ['meshed', podOf('plain-while-dead', undefined)],
  ] as const) {
    const refused = await create(namespace, pod);
    assert.equal(refused.status, 500);
    assert.match(messageOf(refused), /failed calling webhook "(pods|namespaces)\.inject\.tandem\.dev"/);
  }
  await webhook.restart();
  assert.equal((await create('shop', podOf('asks-afterwards', asking))).status, 201);
});
