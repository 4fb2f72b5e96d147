/** What a pod's service is called, and which names are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectFlagProblems, injectFlags, injectSettings } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { inject } from '../../../src/inject/inject.ts';
import type { InjectResult } from '../../../src/inject/result.ts';

type Sketch = {
  readonly flags?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: object;
};

function injected({ flags = [], annotations = {}, spec = {} }: Sketch): InjectResult {
  const { values } = parseFlags(injectFlags, ['--default-inject', '--owner=east', ...flags], {});
  const prefixed = Object.entries(annotations).map(([key, value]) => [`consul.hashicorp.com/${key}`, value]);
  const object = {
    metadata: { annotations: Object.fromEntries(prefixed) },
    spec: { containers: [{ name: 'app' }], ...spec },
  };
  const facts = { version: '0.0.0', nativeSidecar: true, preStopSleep: true, ownNamespace: 'tandem' };
  const request = { kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object };
  return inject(request, injectSettings(values, facts));
}

/** `<source> <id of the service>`, as the spec says it. */
function named(sketch: Sketch): string {
  const result = injected(sketch);
  assert.ok(result.kind === 'inject', JSON.stringify(result));
  const text = JSON.stringify(result.patch);
  const source = /TANDEM_SERVICE_NAME_SOURCE","value":"([a-z-]+)"/.exec(text)?.[1];
  const id = /"-?-?proxy-id=([^"]*)"|TANDEM_PROXY_ID","value":"([^"]*)"/.exec(text);
  return `${source} ${(id?.[1] ?? id?.[2])?.replace('-sidecar-proxy', '')}`;
}

const auth = '--consul-auth-method=k8s';
const shop = { serviceAccountName: 'shop' };
const asShop = { 'connect-service': 'shop' };

for (const mode of ['agent', 'dataplane'])
  for (const [what, sketch, expected] of [
    ['the annotation', { annotations: asShop }, 'annotation shop'],
    ['the first container', { spec: shop }, 'container app'],
    ['the ServiceAccount, with an auth method', { flags: [auth], spec: shop }, 'service-account shop'],
    ['its deprecated field', { flags: [auth], spec: { serviceAccount: 'shop' } }, 'service-account shop'],
    [
      'the annotation with the name of the account',
      { flags: [auth], annotations: asShop, spec: shop },
      'annotation shop',
    ],
    ['service-account', { flags: ['--service-names=service-account'], spec: shop }, 'service-account shop'],
    [
      'service-account, and an annotation',
      { flags: ['--service-names=service-account'], annotations: { 'connect-service': 'web' }, spec: shop },
      'service-account shop',
    ],
    [
      'container, with an auth method',
      { flags: ['--service-names=container', auth], spec: { serviceAccountName: 'app' } },
      'container app',
    ],
  ] as const)
    test(`named in ${mode} mode: ${what}`, () => {
      const [source, name] = expected.split(' ');
      const flags = [`--proxy-mode=${mode}`, ...('flags' in sketch ? sketch.flags : [])];
      assert.equal(named({ ...sketch, flags }), `${source} $(POD_NAMESPACE).$(POD_NAME).${name}`);
    });

for (const [what, sketch, message] of [
  [
    'a service of another account',
    { flags: [auth], annotations: { 'connect-service': 'payments' } },
    /"payments" is not the ServiceAccount of the pod, "default".*set serviceAccountName to "payments"/,
  ],
  [
    'a container with another name than the account',
    { flags: [auth, '--service-names=container'] },
    /"app" is not the ServiceAccount/,
  ],
  [
    'an account of another case',
    { flags: [auth], annotations: { 'connect-service': 'Shop' }, spec: shop },
    /"Shop" is not the ServiceAccount/,
  ],
  [
    'an account that can be no service',
    { flags: [auth], spec: { serviceAccountName: 'shop.web' } },
    /"shop\.web" \(the ServiceAccount of the pod\) is not a letter/,
  ],
  ['the name of the servers', { annotations: { 'connect-service': 'consul' } }, /"consul" is reserved/],
  ['the same in capitals', { annotations: { 'connect-service': 'CONSUL' } }, /reserved/],
  [
    'a container of that name',
    { spec: { containers: [{ name: 'consul' }] } },
    /\(the name of the first container\) is reserved/,
  ],
  ['the name of a proxy', { annotations: { 'connect-service': 'web-sidecar-proxy' } }, /reserved/],
  [
    'several ports of one service',
    { annotations: { 'connect-service': 'web', 'connect-service-port': '8080,9090' } },
    /several ports, and the pod is one service/,
  ],
  [
    'one port of several services',
    { annotations: { 'connect-service': 'web,admin', 'connect-service-port': '8080' } },
    /names one port, and connect-service names 2 services/,
  ],
  [
    'a name behind which no container can have its own',
    {
      annotations: {
        'connect-service': `web,${'a'.repeat(35)}`,
        'connect-service-port': '8080,9090',
      },
    },
    /containers are named: 1 to 34 of a-z/,
  ],
] as const)
  test(`denied: ${what}`, () => {
    const result = injected(sketch);
    assert.ok(result.kind === 'invalid', JSON.stringify(result));
    assert.equal(result.problems.length, 1, JSON.stringify(result.problems));
    assert.match(result.problems[0]?.message ?? '', message);
  });

test('a service of another account is a warning where the operator says so', () => {
  const flags = [auth, '--service-account-check=warn'];
  const result = injected({ flags, annotations: { 'connect-service': 'payments' } });
  assert.deepEqual(
    [result.kind, result.warnings.map(({ reason }) => reason)],
    ['inject', ['other-service-account']],
  );
  assert.match(
    result.warnings[0]?.message ?? '',
    /unless that has the annotation .*service-name: "payments"$/,
  );
});

test('the account of every pod that names none is a warning, with what to do', () => {
  const { kind, warnings } = injected({ flags: [auth] });
  assert.deepEqual([kind, warnings.map(({ reason }) => reason)], ['inject', ['default-service-account']]);
  assert.match(warnings[0]?.message ?? '', /does not start unless .*; give it a ServiceAccount/);
  assert.deepEqual(injected({ flags: [auth], spec: shop }).warnings, []);
});

test('an annotation that decides nothing is a warning', () => {
  const flags = ['--service-names=service-account'];
  const { warnings } = injected({ flags, annotations: { 'connect-service': 'web' } });
  assert.deepEqual(
    warnings.map(({ reason }) => reason),
    ['no-effect'],
  );
});

test('no Service can name a pod that registers itself', () => {
  const { values } = parseFlags(injectFlags, ['--service-names=service'], {});
  assert.match(injectFlagProblems(values).join(), /--service-names=service is for --proxy-mode=dataplane/);
});
