/** Before pods log in, the plan names those that would not start, or be called otherwise, when they are made anew. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesToSettle, readPodName } from '../../../src/secure/names-after-login.ts';
import { injectedPod, type PodSketch } from '../catalog/mesh/injected-pods.ts';

const ACCEPT = { stage: 'accept', acls: true } as const;

function plan(...pods: readonly PodSketch[]): readonly string[] {
  return namesToSettle(
    ACCEPT,
    pods.flatMap((each) => readPodName(injectedPod(each)) ?? []),
  );
}

test('a pod is named that does not start, is refused, or has another name, with what to do', () => {
  for (const flags of [['--proxy-mode=dataplane'], ['--proxy-mode=agent']]) {
    const named = { 'connect-service': 'pay' };
    assert.deepEqual(plan({ flags, annotations: named }), [
      'before prefer: default/web-0 has the ServiceAccount "default", which may not log in: when it is recreated, it does not start; give it the ServiceAccount "pay"',
    ]);
    assert.match(
      plan({ flags, serviceAccount: 'shop', annotations: named }).join(),
      /is the service "pay", and its ServiceAccount is "shop": when it is recreated, it is refused; give it the ServiceAccount "pay", or/,
    );
    assert.match(
      plan({ flags, serviceAccount: 'shop' }).join(),
      /is the service "web", or that of its Kubernetes Service: when it is recreated, it is "shop", like its ServiceAccount$/,
    );
  }
});

test('nothing is said of a pod that stays what it is, or has ended, nor in another stage', () => {
  assert.deepEqual(plan({ serviceAccount: 'web' }), []);
  assert.deepEqual(plan({ serviceAccount: 'pay', annotations: { 'connect-service': 'pay' } }), []);
  const several = { 'connect-service': 'web,admin', 'connect-service-port': '8080,9090' };
  assert.deepEqual(plan({ serviceAccount: 'admin', annotations: several }), []);
  assert.deepEqual(plan({ status: { phase: 'Succeeded' } }), []);
  const name = readPodName(injectedPod()) ?? assert.fail();
  assert.deepEqual(namesToSettle({ stage: 'require', acls: true }, [name]), []);
  assert.deepEqual(namesToSettle({ stage: 'accept', acls: false }, [name]), []);
});

test('ten pods are named, the others counted', () => {
  const lines = plan(...Array.from({ length: 12 }, (_, at) => ({ name: `web-${at}` })));
  assert.equal(lines.length, 11);
  assert.equal(lines.at(-1), 'before prefer: 2 more pods');
});

test('what is no pod has no name', () => {
  for (const raw of [undefined, {}, { spec: { containers: 'none' } }])
    assert.equal(readPodName(raw), undefined);
});

test('in prefer, the same is said of pods that do not log in yet', () => {
  const said = (pod: PodSketch): readonly string[] =>
    namesToSettle({ stage: 'prefer', acls: true }, [readPodName(injectedPod(pod)) ?? assert.fail()]);
  assert.match(said({}).join(), /^before its restart: default\/web-0 has the ServiceAccount "default"/);
  for (const mode of ['dataplane', 'agent'])
    assert.deepEqual(said({ flags: [`--proxy-mode=${mode}`, '--consul-auth-method=k8s'] }), []);
});
