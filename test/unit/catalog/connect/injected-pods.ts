/** Pods as they are after the webhook, the scheduler and the kubelet: injected by the engine itself. */
import assert from 'node:assert/strict';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { readInjectedPod, type InjectedPod } from '../../../../src/catalog/connect/pod.ts';
import { injectFlags, injectSettings } from '../../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../../src/config/parse-flags.ts';
import { inject } from '../../../../src/inject/inject.ts';

export type PodSketch = {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly container?: object;
  readonly flags?: readonly string[];
  readonly node?: string;
  readonly status?: object;
  readonly deleted?: boolean;
};

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
    metadata: { name, namespace, uid, annotations },
    spec: { containers: [{ name: 'web', ...container }] },
  };
  const flags = parseFlags(injectFlags, sketch.flags ?? ['--proxy-mode=dataplane'], {});
  assert.ok(flags.ok);
  const facts = { version: '0.0.0', nativeSidecar: true, preStopSleep: true, ownNamespace: 'tandem' };
  const request = { kind: 'v1/Pod', operation: 'CREATE', namespace, object: pod };
  const result = inject(request, injectSettings(flags.values, facts));
  assert.ok(result.kind === 'inject', JSON.stringify(result));
  const patch = structuredClone(result.patch) as Operation[];
  const injected = jsonPatch.applyPatch(structuredClone(pod), patch).newDocument;
  return {
    ...injected,
    metadata: {
      ...injected.metadata,
      ...(sketch.deleted === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { ...injected.spec, nodeName: sketch.node ?? 'node-1' },
    status,
  };
}

export function podOf(sketch: PodSketch = {}): InjectedPod {
  const pod = readInjectedPod(injectedPod(sketch));
  assert.ok(pod !== undefined);
  return pod;
}
