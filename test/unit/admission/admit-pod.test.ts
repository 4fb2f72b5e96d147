import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { admitPod, type PodAdmission } from '../../../src/admission/admit-pod.ts';
import { injectFlags, injectSettings } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import type { InjectRequest } from '../../../src/inject/decide.ts';
import { inject } from '../../../src/inject/inject.ts';
import type { InjectSettings } from '../../../src/inject/settings.ts';
import { patchInBase64 } from '../../../src/support/shared-json.ts';

function settingsOf(): InjectSettings {
  const parsed = parseFlags(injectFlags, ['--default-inject'], {});
  assert.ok(parsed.ok);
  const cluster = { nativeSidecar: true, preStopSleep: true, ownNamespace: 'tandem' };
  return injectSettings(parsed.values, { version: '0', ...cluster });
}

type Fields = { readonly metadata?: object; readonly spec?: object; readonly container?: object };

function podOf({ metadata, spec, container }: Fields = {}, namespace = 'default'): InjectRequest {
  const containers = [{ name: 'web', ports: [{ containerPort: 8080 }], ...container }];
  const object = { metadata: { ...metadata }, spec: { containers, ...spec } };
  return { kind: 'v1/Pod', operation: 'CREATE', namespace, object };
}

function annotated(annotations: object): InjectRequest {
  return podOf({ metadata: { annotations } });
}

function expected(request: InjectRequest): PodAdmission {
  const result = inject(request, settingsOf());
  return result.kind === 'inject' ? { ...result, patch: patchInBase64(result.patch) } : result;
}

test('from the second on, the pods of a workload get one answer, whatever is only their own', () => {
  const settings = settingsOf();
  const pods = ['x7k2p', 'm4c9z', 'q8d3v'].map((own) =>
    podOf({
      metadata: { name: `web-${own}`, labels: { 'apps.kubernetes.io/pod-index': own }, annotations: { own } },
      spec: { volumes: [{ name: `kube-api-access-${own}`, projected: {} }], hostname: own },
      container: {
        env: [{ name: 'OWN', value: own }],
        volumeMounts: [{ name: `kube-api-access-${own}`, mountPath: '/var/run/secrets' }],
      },
    }),
  );
  const [first, second, third] = pods.map((pod) => admitPod(pod, settings));
  assert.equal(first?.kind, 'inject');
  assert.ok(isDeepStrictEqual(second, first));
  assert.notEqual(second, first);
  assert.equal(third, second);
});

const PREFIX = 'consul.hashicorp.com/';

/** Pods of which each needs an answer of its own. */
const others: Readonly<Record<string, InjectRequest>> = {
  'the pod itself': podOf(),
  'another namespace': podOf({}, 'shop'),
  'another name of its container': podOf({ container: { name: 'api' } }),
  'another port': podOf({ container: { ports: [{ containerPort: 8081 }] } }),
  'a port by name': podOf({ container: { ports: [{ containerPort: 8080, name: 'http' }] } }),
  'an upstream': annotated({ [`${PREFIX}connect-service-upstreams`]: 'db:1234' }),
  'an annotation that is null': annotated({ [`${PREFIX}connect-service`]: null }),
  'an annotation that no JSON could hold': annotated({ [`${PREFIX}connect-service`]: Infinity }),
  'an annotation for Prometheus': annotated({ 'prometheus.io/scrape': 'false' }),
  'a default container': annotated({ 'kubectl.kubernetes.io/default-container': 'other' }),
  'labels of ours': podOf({ metadata: { labels: { [`${PREFIX}connect-service`]: 'a' } } }),
  'no metadata': { ...podOf(), object: { spec: { containers: [{ name: 'web' }] } } },
  'a hook': podOf({ container: { lifecycle: { preStop: { exec: { command: ['true'] } } } } }),
  'variables of its own': podOf({ container: { env: [{ name: 'A', value: 'a' }] } }),
  'an init container': podOf({ spec: { initContainers: [{ name: 'first' }] } }),
  'a longer grace period': podOf({ spec: { terminationGracePeriodSeconds: 1 } }),
  'a ServiceAccount': podOf({ spec: { serviceAccountName: 'web' } }),
  'resources of the pod': podOf({ spec: { resources: { requests: { cpu: '1' } } } }),
  'the user of the sidecar': podOf({ container: { securityContext: { runAsUser: 5995 } } }),
  'a reserved volume': podOf({ spec: { volumes: [{ name: 'consul-connect-inject-data' }] } }),
  'more volumes': podOf({
    metadata: {
      annotations: { [`${PREFIX}consul-sidecar-user-volume-mount`]: '[{"name":"a","mountPath":"/a"}]' },
    },
    spec: { volumes: [{ name: 'a' }] },
  }),
  'a mount of a volume that is not there': annotated({
    [`${PREFIX}consul-sidecar-user-volume-mount`]: '[{"name":"a","mountPath":"/a"}]',
  }),
  'a mount where the shared volume goes': podOf({
    metadata: { annotations: { [`${PREFIX}connect-inject-mount-volume`]: 'web' } },
    container: { volumeMounts: [{ name: 'a', mountPath: '/consul/connect-inject' }] },
  }),
  'transparent, with a probe': podOf({
    metadata: { annotations: { [`${PREFIX}transparent-proxy`]: 'true' } },
    container: { livenessProbe: { httpGet: { port: 8080, path: '/live' } } },
  }),
  'transparent, with another probe': podOf({
    metadata: { annotations: { [`${PREFIX}transparent-proxy`]: 'true' } },
    container: { livenessProbe: { httpGet: { port: 8080, path: '/ready' } } },
  }),
  'transparent, with a port of the node': podOf({
    metadata: { annotations: { [`${PREFIX}transparent-proxy`]: 'true' } },
    container: { ports: [{ containerPort: 8080, hostPort: 80 }] },
  }),
  'not injected': annotated({ [`${PREFIX}connect-inject`]: 'false' }),
  'no pod that an API server takes': podOf({ spec: { containers: 'web' } }),
};

test('no answer depends on the pods before it', () => {
  const settings = settingsOf();
  for (let round = 0; round < 3; round += 1)
    for (const [name, request] of Object.entries(others))
      // Not deepEqual, which would print both patches.
      assert.ok(isDeepStrictEqual(admitPod(request, settings), expected(request)), name);
});

test('other settings give other answers', () => {
  const [one, two] = [settingsOf(), { ...settingsOf(), envoyImage: 'envoy:2' }];
  assert.notDeepEqual(admitPod(podOf(), one), admitPod(podOf(), two));
});

test('a pod that is large, or nested by the thousand, is answered and not kept', () => {
  const settings = settingsOf();
  const upstreams = Array.from({ length: 300 }, (_, index) => `s${index}:${2000 + index}`).join(',');
  let nested: unknown = [];
  for (let depth = 0; depth < 50_000; depth += 1) nested = [nested];
  const pods = [
    annotated({ [`${PREFIX}connect-service-upstreams`]: upstreams }),
    annotated({ [`${PREFIX}service-tags`]: 'x'.repeat(5000) }),
    podOf({ container: { livenessProbe: nested } }),
  ];
  for (const pod of pods) {
    const [first, second, third] = [1, 2, 3].map(() => admitPod(pod, settings));
    assert.equal(first?.kind, 'inject');
    assert.notEqual(third, second);
    assert.ok(isDeepStrictEqual(third, first));
  }
});
