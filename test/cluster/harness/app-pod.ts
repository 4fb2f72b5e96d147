/** Pods of programs of these tests, which run in the image of Tandem: it has Node.js, and each cluster has it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';

const FOLDERS = {
  cluster: join(import.meta.dirname, '../apps'),
  mesh: join(import.meta.dirname, '../../real/mesh/apps'),
};
const APPS = {
  'probed.ts': FOLDERS.cluster,
  'relay.ts': FOLDERS.cluster,
  'visit.ts': FOLDERS.cluster,
  'load.ts': FOLDERS.mesh,
  'web-server.ts': FOLDERS.mesh,
} as const;
const CONFIG_MAP = 'test-apps';
const PREFIX = 'consul.hashicorp.com/';

export type App = {
  readonly app: keyof typeof APPS;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceAccountName?: string;
  /** Those of Consul, without their prefix. A sidecar is asked for when there are any. */
  readonly annotations?: Readonly<Record<string, string>>;
};

export type PodTemplate = { readonly metadata: object; readonly spec: object };

/** Its one container. */
type AppPod = PodTemplate & {
  readonly spec: Readonly<Record<string, unknown>> & { readonly containers: readonly [object] };
};

/** The sources of the programs, once a namespace. */
export async function putApps({ api }: Cluster, namespace: string): Promise<void> {
  const data = Object.fromEntries(
    Object.entries(APPS).map(([file, folder]) => [file, readFileSync(join(folder, file), 'utf8')]),
  );
  const metadata = { name: CONFIG_MAP };
  await api.expect('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata, data });
}

/** For a pod as for the template of a workload; of the *restricted* Pod Security profile. */
export function appPod(cluster: Cluster, name: string, app: App): AppPod {
  const { args = [], env = {}, port, labels = {}, annotations, serviceAccountName } = app;
  const prefixed = Object.entries(annotations ?? {}).map(([key, value]) => [PREFIX + key, value]);
  const asks = annotations === undefined ? [] : [[`${PREFIX}connect-inject`, 'true']];
  return {
    metadata: { name, labels, annotations: Object.fromEntries([...asks, ...prefixed]) as object },
    spec: {
      automountServiceAccountToken: false,
      ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name,
          image: cluster.image,
          command: ['node', `/apps/${app.app}`, ...args],
          env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
          ...(port === undefined ? {} : portFields(port)),
          resources: { requests: { cpu: '10m', memory: '32Mi' } },
          volumeMounts: [{ name: 'apps', mountPath: '/apps' }],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
      volumes: [{ name: 'apps', configMap: { name: CONFIG_MAP } }],
    },
  };
}

function portFields(containerPort: number): object {
  const readinessProbe = { tcpSocket: { port: containerPort }, periodSeconds: 1 };
  return { ports: [{ name: 'http', containerPort }], readinessProbe };
}

export async function createPod({ api }: Cluster, namespace: string, pod: PodTemplate): Promise<void> {
  await api.expect('POST', `/api/v1/namespaces/${namespace}/pods`, pod);
}

/** A Deployment whose pods have the label `app` with its name. */
export async function createDeployment(
  cluster: Cluster,
  namespace: string,
  name: string,
  { replicas = 1, ...app }: App & { readonly replicas?: number },
): Promise<void> {
  const { metadata, spec } = appPod(cluster, name, { ...app, labels: { app: name, ...app.labels } });
  await cluster.api.expect('POST', `/apis/apps/v1/namespaces/${namespace}/deployments`, {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      // A pod that is new comes before an old one goes.
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { ...metadata, name: undefined }, spec },
    },
  });
}
