/** Injected pods in dataplane mode, as the API server has them: the engine, the scheduler and the kubelet have done their part. */
import jsonPatch, { type Operation } from 'fast-json-patch';
import { injectFlags, injectSettings } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { inject } from '../../../src/inject/inject.ts';
import { MERGE_PATCH } from '../../real/harness/api-client.ts';
import type { ApiServer } from '../../real/harness/api-server.ts';

export const NAMESPACE = 'mesh';
/** The sync that is measured has to have it too: a sidecar asks on the node of its owner. */
export const OWNER = 'bench';
const PODS_A_SERVICE = 5;
const PODS_A_NODE = 50;

export type SamplePod = {
  readonly name: string;
  readonly service: string;
  /** Of Kubernetes. */
  readonly node: string;
  readonly ip: string;
};

export type PodMode = { readonly flags: readonly string[]; readonly hostIp: string };

export const DATAPLANE: PodMode = { flags: ['--proxy-mode=dataplane'], hostIp: '10.0.0.1' };

/** The n-th pod of so many that live at a time; those above replace them, on the same nodes and for the same services. */
export function samplePod(n: number, population: number): SamplePod {
  return {
    name: `pod-${n}`,
    service: `app-${n % Math.ceil(population / PODS_A_SERVICE)}`,
    node: `node-${n % Math.ceil(population / PODS_A_NODE)}`,
    ip: `10.${64 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`,
  };
}

/** Makes it and says that it runs; resolves when the API server has it so. */
export async function placePod({ admin }: ApiServer, pod: SamplePod, mode = DATAPLANE): Promise<void> {
  await admin.expect('POST', `/api/v1/namespaces/${NAMESPACE}/pods`, injected(pod, mode));
  const status = {
    phase: 'Running',
    podIP: pod.ip,
    podIPs: [{ ip: pod.ip }],
    hostIP: mode.hostIp,
    hostIPs: [{ ip: mode.hostIp }],
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  await admin.expect('PATCH', `${pathOf(pod)}/status`, { status }, MERGE_PATCH);
}

export async function setReady({ admin }: ApiServer, pod: SamplePod, isReady: boolean): Promise<void> {
  const status = { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] };
  await admin.expect('PATCH', `${pathOf(pod)}/status`, { status }, MERGE_PATCH);
}

/** As the kubelet does when all containers have ended. */
export async function removePod({ admin }: ApiServer, pod: SamplePod): Promise<void> {
  await admin.expect('DELETE', `${pathOf(pod)}?gracePeriodSeconds=0`);
}

function pathOf({ name }: SamplePod): string {
  return `/api/v1/namespaces/${NAMESPACE}/pods/${name}`;
}

function injected({ name, service, node }: SamplePod, { flags }: PodMode): object {
  const object = {
    metadata: {
      name,
      labels: { app: service, 'pod-template-hash': '7d4b9c6f5' },
      annotations: {
        'consul.hashicorp.com/connect-inject': 'true',
        'consul.hashicorp.com/connect-service': service,
        'consul.hashicorp.com/connect-service-upstreams': 'db:1234,cache:2345',
      },
    },
    spec: {
      containers: [
        {
          name: 'app',
          image: 'example/app:1',
          ports: [{ name: 'http', containerPort: 8080 }],
          env: Array.from({ length: 12 }, (_, index) => ({
            name: `SETTING_${index}`,
            value: `value-${index}`,
          })),
          resources: { requests: { cpu: '100m', memory: '128Mi' } },
        },
      ],
    },
  };
  const parsed = parseFlags(injectFlags, flags, {});
  if (!parsed.ok) throw new Error(parsed.problems.join('; '));
  const facts = {
    version: '0.0.0',
    nativeSidecar: true,
    preStopSleep: true,
    ownNamespace: 'tandem',
    owner: OWNER,
  };
  const request = { kind: 'v1/Pod', operation: 'CREATE', namespace: NAMESPACE, object };
  const result = inject(request, injectSettings(parsed.values, facts));
  if (result.kind !== 'inject') throw new Error(JSON.stringify(result));
  const patch = structuredClone(result.patch) as Operation[];
  const { spec, ...rest } = jsonPatch.applyPatch(object, patch).newDocument;
  return { ...rest, spec: { ...spec, nodeName: node } };
}
