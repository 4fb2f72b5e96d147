import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAutoJoin } from '../../../src/discovery/auto-join.ts';

const DEFAULTS = {
  kind: 'auto-join',
  kubeconfig: undefined,
  namespace: 'default',
  labelSelector: '',
  fieldSelector: '',
  hostNetwork: false,
};

const accepted: readonly [string, object][] = [
  ['provider=k8s', {}],
  ['  provider = k8s  ', {}],
  ['"provider"="k8s"', {}],
  ['provider=k8s namespace=consul', { namespace: 'consul' }],
  ['provider=k8s namespace=""', {}],
  [
    'provider=k8s label_selector="app=consul,component=server" field_selector = "spec.nodeName=a"',
    { labelSelector: 'app=consul,component=server', fieldSelector: 'spec.nodeName=a' },
  ],
  ['label_selector=app provider=k8s', { labelSelector: 'app' }],
  ['provider=k8s kubeconfig="/a b/\\"c\\"\\\\d"', { kubeconfig: '/a b/"c"\\d' }],
  ['provider=k8s kubeconfig=C:\\config', { kubeconfig: 'C:\\config' }],
  ['provider=k8s host_network=true', { hostNetwork: true }],
  ['provider=k8s host_network=F', {}],
  ['provider=k8s host_network=""', {}],
];

for (const [text, expected] of accepted) {
  test(`accepted: ${text}`, () => {
    assert.deepEqual(parseAutoJoin(text), { ok: true, value: { ...DEFAULTS, ...expected } });
  });
}

const refused: readonly [string, RegExp][] = [
  ['', /^provider: it is missing/],
  ['namespace=consul', /^provider: it is missing/],
  ['provider=""', /^provider: it is missing/],
  ['provider=aws', /^provider: "aws" is unknown/],
  // Another provider has other keys, and the provider is what is wrong.
  ['provider=aws tag_key=consul', /^provider: "aws" is unknown/],
  ['provider', /^provider: missing "="$/],
  ['provider k8s', /^provider: missing "="$/],
  ['provider=k8s namespace', /^after provider: a key without "="; a value with a space must be in double/],
  ['provider=', /^provider: missing value$/],
  ['provider=k8s namespace= ', /^namespace: missing value$/],
  ['provider==k8s', /^provider: missing value$/],
  ['provider=k8s label_selector="app', /^label_selector: unbalanced quotes$/],
  ['provider=k8s label_selector="', /^label_selector: unbalanced quotes$/],
  ['provider=k8s label_selector="app\\', /^label_selector: unterminated escape$/],
  ['provider=k8s label_selector="app\\n"', /^label_selector: "\\\\n" is not an escape/],
  ['provider=k8s namespace=a namespace=b', /^namespace: duplicate key$/],
  ['provider=k8s provider=k8s', /^provider: duplicate key$/],
  ['provider=k8s label_selector=app=consul', /^label_selector: a value with "=" must be in double quotes$/],
  ['=k8s', /^"=": a key is missing before it$/],
  ['provider=k8s "name', /^after provider: unbalanced quotes$/],
  ['"provider', /^after the beginning: unbalanced quotes$/],
  ['provider=k8s label_selectr=app', /^"label_selectr": unknown key; did you mean label_selector\?$/],
  ['provider=k8s __proto__=a', /^"__proto__": unknown key; the keys are provider, /],
  ['provider=k8s host_network=yes', /^host_network: "yes" is not one of /],
  ['provider=k8s namespace=..', /^namespace: "\.\." is not a valid namespace name$/],
  ['provider=k8s namespace="a/b"', /^namespace: "a\/b" is not a valid namespace name/],
];

for (const [text, expected] of refused) {
  test(`refused: ${text}`, () => {
    const parsed = parseAutoJoin(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, expected);
  });
}
