/** Pods as they are after the webhook, the scheduler and the kubelet: injected by the engine itself. */
import assert from 'node:assert/strict';
import jsonPatch, { type Operation } from 'fast-json-patch';
import type { MeshCluster, MeshNode, MeshService } from '../../../../src/catalog/mesh/mesh-cluster.ts';
import { readInjectedPod, type InjectedPod } from '../../../../src/catalog/mesh/registered-pod.ts';
import { registrationsOf, type PodRegistration } from '../../../../src/catalog/mesh/pod-registration.ts';
import { injectFlags, injectSettings } from '../../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../../src/config/parse-flags.ts';
import type { ExposedPath } from '../../../../src/model/registration.ts';
import { inject } from '../../../../src/inject/inject.ts';

export type PodSketch = {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly serviceAccount?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly container?: object;
  readonly flags?: readonly string[];
  readonly node?: string;
  readonly status?: object;
  readonly deleted?: boolean;
  /** Its traffic is redirected, and these of its probes are exposed. */
  readonly exposed?: readonly ExposedPath[];
  /** As the webhook injected pods in dataplane mode before their containers held the registration. */
  readonly isLegacy?: boolean;
};

export type ClusterSketch = {
  readonly owner?: string;
  readonly nodes?: readonly MeshNode[];
  readonly services?: readonly MeshService[];
  /** By `namespace/name`: the services that they name. */
  readonly accounts?: Readonly<Record<string, string>>;
  readonly keepsPlainPods?: boolean;
};

export function clusterOf({
  owner = 'c1',
  nodes = [],
  services,
  accounts,
  keepsPlainPods = false,
}: ClusterSketch = {}): MeshCluster {
  return {
    owner,
    node: (name) => nodes.find((each) => each.name === name),
    services: () => services,
    selecting: () => services,
    holderOf: () => undefined,
    serviceOfAccount: accounts && ((namespace, name) => accounts[`${namespace}/${name}`]),
    keepsPlainPods,
    isAccount: (namespace, name) => accounts?.[`${namespace}/${name}`] !== undefined,
  };
}

export const CLUSTER = clusterOf();

/** Of a pod without redirected traffic. */
export const noAddress = () =>
  ({ reason: 'not-redirected', chosen: undefined, holder: undefined, headless: [] }) as const;

export const ADDRESSES = { hostIP: '10.0.0.1', podIP: '10.1.0.1' };
export const READY = { ...ADDRESSES, conditions: [{ type: 'Ready', status: 'True' }] };

/** JSON of a pod in dataplane mode, scheduled and ready, unless told. */
export function injectedPod(sketch: PodSketch = {}): Readonly<Record<string, unknown>> {
  const { name = 'web-0', namespace = 'default', uid = `uid-of-${name}`, status = READY } = sketch;
  const annotations = Object.fromEntries(
    Object.entries({ 'connect-inject': 'true', ...sketch.annotations }).map(([key, value]) => [
      `consul.hashicorp.com/${key}`,
      value,
    ]),
  );
  const container = sketch.container ?? { ports: [{ name: 'http', containerPort: 8080 }] };
  const pod = {
    metadata: {
      name,
      namespace,
      uid,
      annotations,
      ...(sketch.labels === undefined ? {} : { labels: sketch.labels }),
    },
    spec: { containers: [{ name: 'web', ...container }] },
  };
  const flags = parseFlags(injectFlags, sketch.flags ?? ['--proxy-mode=dataplane'], {});
  assert.ok(flags.ok);
  const owner = flags.values.proxyMode === 'dataplane' ? { owner: 'c1' } : {};
  const facts = { version: '0.0.0', nativeSidecar: true, preStopSleep: true, ownNamespace: 'tandem' };
  const request = { kind: 'v1/Pod', operation: 'CREATE', namespace, object: pod };
  const result = inject(request, injectSettings(flags.values, { ...facts, ...owner }));
  assert.ok(result.kind === 'inject', JSON.stringify(result));
  const patch = structuredClone(result.patch) as Operation[];
  const applied = jsonPatch.applyPatch(structuredClone(pod), patch).newDocument;
  const { exposed } = sketch;
  const redirected = exposed === undefined ? applied : asRedirected(applied, exposed);
  const injected = sketch.isLegacy === true ? asBefore(redirected) : redirected;
  return {
    ...injected,
    metadata: {
      ...injected.metadata,
      ...(sketch.deleted === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      ...injected.spec,
      nodeName: sketch.node ?? 'node-1',
      serviceAccountName: sketch.serviceAccount ?? 'default',
    },
    status,
  };
}

export function podOf(sketch: PodSketch = {}): InjectedPod {
  const pod = readInjectedPod(injectedPod(sketch));
  assert.ok(pod !== undefined);
  return pod;
}

/** What somebody else has put in the same place. */
export function theirsOf(sketch: PodSketch = {}, owner = 'c2'): readonly PodRegistration[] {
  return registrationsOf(podOf(sketch), CLUSTER).map((each) => ({
    ...each,
    meta: { ...each.meta, 'tandem-owner': owner },
  }));
}

function asRedirected<T>(pod: T, exposed: readonly ExposedPath[]): T {
  const paths = exposed.map(({ path, listenerPort, localPort, protocol }) => ({
    path,
    listener_port: listenerPort,
    local_path_port: localPort,
    protocol,
  }));
  return JSON.parse(JSON.stringify(pod), (key, value: unknown) => {
    if (key !== 'value' || typeof value !== 'string' || !value.startsWith('{"services"')) return value;
    return value.replace('"proxy":{', `"proxy":{"mode":"transparent","expose":${JSON.stringify({ paths })},`);
  }) as T;
}

function asBefore<T>(pod: T): T {
  const text = JSON.stringify(pod)
    .replaceAll('$(POD_NAMESPACE).$(POD_NAME).', '$(POD_NAME)-')
    .replaceAll(/k8s-[a-z0-9-]+-\$\(NODE_NAME\)/g, '$(NODE_NAME)-virtual');
  return JSON.parse(text, (key, value: unknown) =>
    key === 'env' && Array.isArray(value)
      ? value.filter((each: { readonly name: string }) => !each.name.startsWith('TANDEM_'))
      : value,
  ) as T;
}
