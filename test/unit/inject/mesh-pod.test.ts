import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectFlags, injectSettings } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { readMeshPod } from '../../../src/inject/mesh-pod.ts';
import { readPod } from '../../../src/inject/pod.ts';

const OLD = {
  version: '0.0.0',
  nativeSidecar: false,
  lacksNativeSidecar: true,
  preStopSleep: false,
  ownNamespace: 'tandem',
} as const;

function sidecarOf(asked: string | undefined): readonly [isNative: boolean, warnings: readonly string[]] {
  const annotations =
    asked === undefined ? {} : { 'consul.hashicorp.com/enable-consul-dataplane-as-sidecar': asked };
  const read = readPod({ metadata: { annotations }, spec: { containers: [{ name: 'web' }] } });
  assert.ok(read.ok);
  const settings = injectSettings(parseFlags(injectFlags, [], {}).values, OLD);
  const result = readMeshPod(read.pod, settings);
  assert.ok(result.ok);
  return [result.mesh.nativeSidecar, result.warnings.map(({ message }) => message)];
}

test('a pod that would wait for its native sidecar for ever gets a classic one, and is told', () => {
  const [isNative, warnings] = sidecarOf('true');
  assert.equal(isNative, false);
  assert.match(
    warnings.join('\n'),
    /^has no effect: when this webhook started, the API server was older than Kubernetes 1\.29,.* after an upgrade .*, restart the webhook/,
  );
});

test('nobody is told of a native sidecar who did not ask for one', () => {
  assert.deepEqual(
    [sidecarOf(undefined), sidecarOf('false')],
    [
      [false, []],
      [false, []],
    ],
  );
});
