import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { flagForm } from '../../../src/cli/help.ts';
import { consulFlagProblems, consulFlags, consulSettings } from '../../../src/config/consul-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';

function settingsOf(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const result = parseFlags(consulFlags, argv, environment);
  assert.ok(result.ok, result.ok ? '' : result.problems.join('\n'));
  return consulSettings(result.values);
}

function problemsOf(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const result = parseFlags(consulFlags, argv, environment);
  return [...(result.ok ? [] : result.problems), ...consulFlagProblems(result.values)];
}

const addresses: readonly [string, string | undefined][] = [
  ['consul', 'http://consul:8500'],
  ['10.0.0.1:80', 'http://10.0.0.1:80'],
  ['http://consul', 'http://consul:8500'],
  ['https://consul', 'https://consul:8501'],
  ['https://consul:443/', 'https://consul:443'],
  ['[::1]', 'http://[::1]:8500'],
  ['https://[2001:db8::1]:8501', 'https://[2001:db8::1]:8501'],
  ['consul_1.svc', 'http://consul_1.svc:8500'],
  [' , ', undefined],
  ['consul:99999', undefined],
  ['consul:0', undefined],
  ['::1', undefined],
  ['unix:///var/run/consul.sock', undefined],
  ['http://user:password@consul', undefined],
  ['http://consul/v1', undefined],
  ['ftp://consul', undefined],
  ['con sul', undefined],
];
for (const [text, expected] of addresses) {
  test(`the address ${JSON.stringify(text)} is ${expected ?? 'none'}`, () => {
    const argv = [`--consul-http-addr=${text}`];
    if (expected === undefined) assert.equal(problemsOf(argv).length, 1);
    else assert.deepEqual(settingsOf(argv).addresses, [expected]);
  });
}

test('the usual variables of Consul are honoured', () => {
  const settings = settingsOf([], {
    CONSUL_HTTP_ADDR: 'a:1, https://b:2,a:1',
    CONSUL_HTTP_TOKEN: 's3cr3t',
    CONSUL_CACERT: '/ca.pem',
    CONSUL_TLS_SERVER_NAME: 'server.dc1.consul',
    CONSUL_NAMESPACE: 'team',
  });
  assert.equal(settings.token.kind === 'value' && settings.token.value.reveal(), 's3cr3t');
  assert.deepEqual(
    { ...settings, token: undefined },
    {
      addresses: ['http://a:1', 'https://b:2'],
      https: true,
      token: undefined,
      caFile: '/ca.pem',
      serverName: 'server.dc1.consul',
      datacenter: undefined,
      namespace: 'team',
    },
  );
  assert.doesNotMatch(inspect(settings, { depth: 9 }) + JSON.stringify(settings), /s3cr3t/);
});

test('CONSUL_HTTP_SSL: no address is asked in plain text, so that no token goes there', () => {
  const ssl = { CONSUL_HTTP_SSL: 'true' };
  assert.deepEqual(settingsOf([], { ...ssl, CONSUL_HTTP_ADDR: 'a:8501,http://b:1,https://b:1' }).addresses, [
    'https://a:8501',
    'https://b:1',
  ]);
  const withoutPort = settingsOf(['--consul-http-addr=consul,http://b,https://c,[::1]'], ssl).addresses;
  assert.deepEqual(withoutPort, [
    'https://consul:8501',
    'https://b:8501',
    'https://c:8501',
    'https://[::1]:8501',
  ]);
  // As Consul's own commands have it.
  assert.deepEqual(settingsOf([], ssl).addresses, ['https://127.0.0.1:8500']);
  assert.equal(settingsOf(['--consul-http-addr=provider=k8s'], ssl).https, true);
  assert.equal(settingsOf(['--consul-http-addr=provider=k8s']).https, false);
  for (const on of ['1', 't', 'T', 'TRUE', 'True'])
    assert.equal(settingsOf([], { CONSUL_HTTP_SSL: on }).https, true, on);
  assert.match(
    problemsOf([], { CONSUL_HTTP_SSL: 'yes' }).join(),
    /^CONSUL_HTTP_SSL: "yes" is not one of 1 t T/,
  );
});

for (const text of [
  'http://user:hunter2@consul:8500',
  'https://consul/?token=hunter2@x',
  'https://consul.example/?token=hunter2',
  'provider=os auth_url=https://keystone.example/v3 user_name=u password=hunter2',
  'provider=os password=one hunter2',
  'provider=aws region=eu secret_access_key=hunter2',
  'provider=digitalocean region=x tag_name=y api_token=hunter2',
  'provider=vsphere password="hunter2',
  'provider=k8s namespace=one hunter2',
])
  test(`what may hold a secret is not repeated: ${text.slice(0, 20)}`, () => {
    const problems = problemsOf([`--consul-http-addr=${text}`]);
    assert.match(problems.join(), /^--consul-http-addr: the value is not /);
    assert.doesNotMatch(problems.join(), /hunter2/);
  });

test('nothing given is the agent of this machine, without a token', () => {
  const { addresses: where, token } = settingsOf([]);
  assert.deepEqual([where, token], [['http://127.0.0.1:8500'], { kind: 'none' }]);
});

test('a flag beats a variable, and a file of a token its value', () => {
  const settings = settingsOf(['--consul-http-addr=flag', '--consul-token-file=/token'], {
    CONSUL_HTTP_ADDR: 'variable',
    CONSUL_HTTP_TOKEN: 'value',
    CONSUL_HTTP_TOKEN_FILE: '/other',
  });
  assert.deepEqual(
    [settings.addresses, settings.token],
    [['http://flag:8500'], { kind: 'file', path: '/token' }],
  );
});

test('an auto-join string is read where addresses are, commas and all', () => {
  const text = 'provider=k8s namespace=consul label_selector="app=consul,component=server"';
  const expected = {
    kind: 'auto-join',
    kubeconfig: undefined,
    namespace: 'consul',
    labelSelector: 'app=consul,component=server',
    fieldSelector: '',
    hostNetwork: false,
  };
  assert.deepEqual(settingsOf([`--consul-http-addr=${text}`]).addresses, expected);
  assert.deepEqual(settingsOf([], { CONSUL_HTTP_ADDR: text }).addresses, expected);
});

test('a broken auto-join string is a problem that names the key', () => {
  const [problem, ...others] = problemsOf(['--consul-http-addr=provider=k8s label_selector=a=b']);
  assert.match(problem ?? '', /is not an auto-join string \(label_selector: a value with "=" must be in/);
  assert.deepEqual(others, []);
});

test('a login has the token of the service account, unless told', () => {
  assert.deepEqual(settingsOf(['--consul-auth-method=k8s']).token, {
    kind: 'login',
    method: 'k8s',
    bearerTokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
  });
});

test('a token on the command line, bad addresses, and a login beside a token are problems', () => {
  const argv = ['--consul-token=s3cr3t', '--consul-http-addr=a,b c', '--consul-auth-method=k8s'];
  const problems = problemsOf(argv, { CONSUL_HTTP_TOKEN_FILE: '/token' });
  assert.equal(problems.length, 3, problems.join('\n'));
  assert.match(problems.join('\n'), /--consul-http-addr: "a,b c" is not a list of/);
  assert.match(problems.join('\n'), /set the variable TANDEM_CONSUL_TOKEN$/m);
  assert.match(problems.join('\n'), /--consul-auth-method logs in/);
  assert.doesNotMatch(problems.join('\n'), /s3cr3t/);
  assert.equal(problemsOf(['--consul-http-addr=,']).length, 1);
});

test('the help shows the token as a variable, never as a flag', () => {
  assert.equal(flagForm('consulToken', consulFlags.consulToken), 'TANDEM_CONSUL_TOKEN=TOKEN');
  assert.equal(flagForm('consulCaFile', consulFlags.consulCaFile), '--consul-ca-file=FILE');
});
