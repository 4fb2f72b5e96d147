/** The request of the benchmarks: a pod of 2.7 kB with two upstreams, as an API server sends it. */

const POD_BYTES = 2700;

export function samplePod(variables = 12): object {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'shop-7d4b9c6f5-',
      labels: { app: 'shop', 'pod-template-hash': '7d4b9c6f5' },
      annotations: {
        'consul.hashicorp.com/connect-inject': 'true',
        'consul.hashicorp.com/connect-service-upstreams': 'db:1234,cache:2345',
      } as Record<string, string>,
    },
    spec: {
      containers: [
        {
          name: 'shop',
          image: 'example/shop:1',
          ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
          env: Array.from({ length: variables }, (_, index) => ({
            name: `SETTING_${index}`,
            value: `value-${index}`,
          })),
          resources: { requests: { cpu: '100m', memory: '128Mi' } },
          volumeMounts: [
            { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
          ],
        },
      ],
      volumes: [{ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
      serviceAccountName: 'shop',
      restartPolicy: 'Always',
    },
  };
  const missing = POD_BYTES - JSON.stringify(pod).length;
  if (missing > 0) pod.metadata.annotations['note'] = 'x'.repeat(missing);
  return pod;
}

/** The same pod, whose author wants no sidecar. */
export function skippedPod(): object {
  const pod = samplePod() as { metadata: { annotations: Record<string, string> } };
  pod.metadata.annotations['consul.hashicorp.com/connect-inject'] = 'false';
  return pod;
}

/** What a generator of load writes another number over, in each request. */
export const NUMBER = '99999999';

/** The same pod, with a number that is registered. */
export function numberedPod(): object {
  const pod = samplePod() as { metadata: { annotations: Record<string, string> } };
  pod.metadata.annotations['consul.hashicorp.com/service-meta-build'] = NUMBER;
  return pod;
}

/** With three probes and no upstreams, its traffic redirected or not. */
export function probedPod(isRedirected: boolean): object {
  const pod = samplePod() as {
    metadata: { annotations: Record<string, string> };
    spec: { containers: object[] };
  };
  delete pod.metadata.annotations['consul.hashicorp.com/connect-service-upstreams'];
  pod.metadata.annotations['consul.hashicorp.com/transparent-proxy'] = String(isRedirected);
  Object.assign(pod.spec.containers[0] ?? {}, {
    livenessProbe: { httpGet: { path: '/live', port: 'http' } },
    readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
    startupProbe: { tcpSocket: { port: 8080 } },
  });
  return pod;
}

export function sampleReview(pod: object = samplePod()): string {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = {
    uid: '5a1c1d1e-0000-4000-8000-000000000001',
    kind,
    namespace: 'default',
    operation: 'CREATE',
    object: pod,
  };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

/** 20 sources, ten of them with permissions, of which a warning is told: 2.3 kB, more than most people write. */
function manySources(): readonly object[] {
  return Array.from({ length: 10 }, (_, index) => [
    { name: `client-${index}`, action: 'allow', description: 'from the shop' },
    {
      name: `reader-${index}`,
      permissions: [{ action: 'allow', http: { pathPrefix: '/catalog', methods: ['GET', 'HEAD'] } }],
    },
  ]).flat();
}

/** What most people write. */
function fewSources(): readonly object[] {
  return ['shop', 'checkout', 'search'].map((name) => ({ name, action: 'allow' }));
}

/** An intention. */
export function entryReview(size: 'few sources' | 'many sources'): string {
  const sources = size === 'few sources' ? fewSources() : manySources();
  const object = {
    apiVersion: 'consul.hashicorp.com/v1alpha1',
    kind: 'ServiceIntentions',
    metadata: { name: 'catalog', namespace: 'shop' },
    spec: { destination: { name: 'catalog' }, sources },
  };
  const kind = { group: 'consul.hashicorp.com', version: 'v1alpha1', kind: 'ServiceIntentions' };
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: '8f2c7d1e', kind, namespace: 'shop', operation: 'CREATE', object },
  });
}
