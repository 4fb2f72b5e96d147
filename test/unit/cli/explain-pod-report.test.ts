import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainPod } from '../../../src/catalog/mesh/explain-pod.ts';
import { podExplanationText } from '../../../src/cli/explain-pod-report.ts';
import { instancesOfPod } from '../../../src/catalog/mesh/pod-registration.ts';
import { readProxy } from '../../../src/catalog/mesh/proxy.ts';
import { CLUSTER, noAddress, podOf } from '../catalog/mesh/injected-pods.ts';

test('a pod with several services: each, and what decided its name, in one place', () => {
  const pod = podOf({
    annotations: { 'connect-service': 'web,admin', 'connect-service-port': '8080,9090' },
  });
  const text = podExplanationText({
    source: 'Pod/default/web-0',
    injection: { kind: 'injected', mode: 'dataplane' },
    redirection: undefined,
    annotations: [],
    registration: explainPod(pod, CLUSTER, undefined, { address: noAddress(), virtual: undefined }),
  });
  assert.match(
    text,
    /^ {2}service +web {2}after .*\n {2}service +admin {2}after the annotation connect-service$/m,
  );
  assert.match(text, /^ {2}instance +default\.web-0\.admin-sidecar-proxy 10\.1\.0\.1:20001 /m);
});

test('the virtual address that Consul has is shown at its proxy, and no other', () => {
  const pod = podOf({ exposed: [] });
  const found = instancesOfPod(pod, CLUSTER).map((each) => ({
    ...each,
    kind: each.proxy === undefined ? '' : 'connect-proxy',
    proxy: each.proxy ?? readProxy(undefined),
    node: 'node-1',
    warningWeight: 1,
    check: undefined,
    otherChecks: [],
    virtual: each.proxy === undefined ? undefined : { address: '10.96.0.9', port: 80 },
  }));
  const text = podExplanationText({
    source: 'Pod/default/web-0',
    injection: { kind: 'injected', mode: 'dataplane' },
    redirection: undefined,
    annotations: [],
    registration: explainPod(pod, CLUSTER, found, { address: noAddress(), virtual: undefined }),
  });
  assert.match(
    text,
    /^ {2}instance +default\.web-0\.web-sidecar-proxy .*\n {2}virtual +10\.96\.0\.9:80 {2}is its virtual address in Consul$/m,
  );
  assert.equal(text.match(/virtual address in Consul/g)?.length, 1);
});
