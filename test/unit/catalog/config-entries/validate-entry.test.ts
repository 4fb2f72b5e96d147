import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateEntry } from '../../../../src/catalog/config-entries/validate-entry.ts';
import { kindOf, objectOf } from './entry-of.ts';

function problems(kind: string, spec: unknown, metadata: object = {}): string[] {
  return validateEntry(kindOf(kind), objectOf(kind, spec, metadata)).map(
    ({ path, message, level }) => `${level} ${path}: ${message}`,
  );
}

test('an object without a problem has none', () => {
  assert.deepEqual(
    problems('ServiceIntentions', {
      destination: { name: 'web' },
      sources: [{ name: 'api', action: 'allow' }],
    }),
    [],
  );
});

test('every problem is told at once, with its place and what is allowed', () => {
  const spec = {
    destination: { name: 'web' },
    sources: [
      { name: 'api', action: 'alow' },
      { name: 'api', permissions: [{ action: 'deny', http: { methods: ['get', 'GOT'] } }] },
      { name: '', action: 'deny', namespace: 'team' },
    ],
    jwtt: {},
  };
  assert.deepEqual(problems('ServiceIntentions', spec), [
    'denied spec.jwtt: is not a field; did you mean jwt?',
    'refused spec.sources[0].action: "alow" must be "allow" or "deny"',
    'refused spec.sources[1].permissions[0].http.methods[1]: "GOT" must be one of GET, HEAD, POST, PUT, PATCH, DELETE, CONNECT, OPTIONS, TRACE',
    'refused spec.sources[2].name: is required',
    'refused spec.sources[2].namespace: "team" needs Consul Enterprise; remove it',
    'refused spec.sources[1]: has the same name and peer as sources[0]',
    'warning spec.sources[1].permissions: need a service with the protocol http, http2 or grpc (ServiceDefaults)',
  ]);
});

test('problems are told in the order of the documentation, whichever order the author wrote in', () => {
  const told = [
    'denied spec.sources[0].peerr: is not a field; did you mean peer?',
    'refused spec.sources[0].name: is required',
    'refused spec.sources[0].namespace: "team" needs Consul Enterprise; remove it',
    'refused spec.sources[0].action: "alow" must be "allow" or "deny"',
    'refused spec.sources[0].description: must be a string; put it in quotes: "1"',
  ];
  const source = { action: 'alow', description: 1, peerr: 'dc2', namespace: 'team' };
  for (const each of [source, Object.fromEntries(Object.entries(source).toReversed())])
    assert.deepEqual(problems('ServiceIntentions', { destination: { name: 'web' }, sources: [each] }), told);
});

test('an entry has no name by which Consul could not remove it, or would find another', () => {
  const named = (name: string): string[] =>
    problems('ServiceIntentions', { destination: { name }, sources: [{ name: 'api', action: 'allow' }] });
  for (const name of ['*', 'web', 'Web_1', 'a/b', 'a b']) assert.deepEqual(named(name), []);
  for (const name of ['.', '..', 'adm\u0130n', 'a\0b', 'x'.repeat(254)])
    assert.match(named(name).join(), /^refused spec\.destination\.name: .* must be at most 253 characters/);
});

test('an object that a stranger made to break the reader is told about', () => {
  const nested = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`) as unknown;
  assert.deepEqual(problems('ServiceDefaults', { envoyExtensions: [{ name: 'x', arguments: nested }] }), [
    'refused spec: is nested more than 64 deep',
  ]);
  const odd = JSON.parse(
    '{"__proto__": {"protocol": "nope"}, "constructor": 1, "protocol": "http"}',
  ) as unknown;
  assert.deepEqual(problems('ServiceDefaults', odd), [
    'denied spec.__proto__: is not a field; remove it',
    'denied spec.constructor: is not a field; remove it',
  ]);
  const many = { destination: { name: 'web' }, sources: Array.from({ length: 5000 }, () => ({})) };
  const told = problems('ServiceIntentions', many);
  assert.equal(told.length, 100);
  assert.match(told.at(-1) ?? '', /^refused spec: has 1000 or more problems/);
});

test('a null in a list, which stops the servers of Consul, is refused however deep it is', () => {
  const config = { a: { b: [{ c: [null] }] } };
  assert.deepEqual(problems('ProxyDefaults', { config }), [
    'refused spec.config: has a null in a list, which stops the servers of Consul',
  ]);
  const extension = { name: 'builtin/lua', arguments: { a: [null] } };
  assert.deepEqual(problems('ServiceDefaults', { envoyExtensions: [extension] }), [
    'refused spec.envoyExtensions[0].arguments: has a null in a list, which stops the servers of Consul',
  ]);
  assert.deepEqual(problems('ProxyDefaults', { config: { a: null, b: [] } }), []);
});

test('what is refused hides behind no crowd of problems that Consul would take', () => {
  const fields = Object.fromEntries(Array.from({ length: 1100 }, (_each, at) => [`x${at}`, 1]));
  const overrides = Array.from({ length: 1100 }, (_each, at) => ({
    name: `u${at}`,
    limits: { maxConnections: 2 ** 40 },
  }));
  for (const crowd of [fields, { upstreamConfig: { overrides } }]) {
    const told = problems('ServiceDefaults', {
      ...crowd,
      envoyExtensions: [{ name: 'builtin/lua', arguments: { a: [null] } }],
    });
    assert.equal(told.at(-1), 'refused spec: has 1000 or more problems; fix those before this one first');
  }
});

test('numbers that JSON does not have, and those that Consul would cut, are told', () => {
  assert.deepEqual(problems('ProxyDefaults', { config: { a: [NaN] } }), [
    'refused spec.config: has a number that JSON cannot represent',
  ]);
  assert.deepEqual(
    problems('ServiceDefaults', { maxInboundConnections: 2 ** 40, localConnectTimeoutMs: Infinity }),
    [
      'denied spec.maxInboundConnections: 1099511627776 must be from -2147483648 to 2147483647',
      'refused spec.localConnectTimeoutMs: Infinity must be a whole number, without quotes',
    ],
  );
});

test('the name of the entry can be one that Kubernetes cannot spell, and no path', () => {
  const annotated = (name: string): object => ({ annotations: { 'tandem/entry-name': name } });
  assert.deepEqual(problems('ServiceDefaults', {}, annotated('My_Service')), []);
  for (const name of ['*', '../web', 'a b', '', 'x'.repeat(254)])
    assert.match(
      problems('ServiceDefaults', {}, annotated(name))[0] ?? '',
      /^refused metadata\.annotations\["tandem\/entry-name"\]: /,
      name,
    );
  assert.deepEqual(problems('ProxyDefaults', {}, { name: 'other' }), [
    'refused metadata.name: "other" must be "global"',
  ]);
});

test('a filter that Consul cannot read is refused, one that selects nothing gives a warning', () => {
  const spec = {
    subsets: { v1: { filter: 'Service.Meta.version = v1' }, v2: { filter: 'Meta.version == v2' } },
  };
  assert.deepEqual(problems('ServiceResolver', spec), [
    'refused spec.subsets.v1.filter: "Service.Meta.version = v1" cannot be read at character 21',
    'warning spec.subsets.v2.filter: "Meta.version" begins with none of Node, Service, Checks; the filter selects nothing',
  ]);
});
