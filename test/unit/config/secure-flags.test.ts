import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secureFlagProblems, secureFlags } from '../../../src/config/secure-flags.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';

const BASE = ['--name=mesh', '--server-selector=component=server'];

function problems(...flags: readonly string[]): readonly string[] {
  const parsed = parseFlags(secureFlags, [...BASE, ...flags], {});
  return parsed.ok ? secureFlagProblems(parsed.values) : parsed.problems;
}

test('names that no certificate can carry are refused by name', () => {
  const good = ['consul.example.com', '*.example.com', 'Consul', '10.0.0.1', 'fd00::1', 'a_b.example.com'];
  for (const name of good) assert.deepEqual(problems(`--server-names=${name}`), [], name);
  for (const name of [
    'a b',
    'fe80::1%eth0',
    '10.0.0.0/8',
    'b\u00fccher.example',
    'a"b',
    'https://a',
    'a..b',
    'a.b.',
    '*',
    'a.*.b',
  ])
    assert.deepEqual(problems(`--server-names=ok.example.com,${name}`), [
      `--server-names: ${JSON.stringify(name)} is neither a DNS name nor an IP address`,
    ]);
  assert.deepEqual(problems('--datacenter=dc 1', '--domain=con_sul-'), [
    '--datacenter: "dc 1" is not part of a DNS name',
  ]);
  assert.deepEqual(problems('--domain=mesh.example', '--datacenter=eu-1'), []);
});

test('a release of the chart may have a name of 42 characters', () => {
  const named = (length: number): readonly string[] => problems(`--name=${'a'.repeat(length)}`);
  assert.deepEqual(named(42), []);
  assert.match(named(43)[0] ?? '', /^--name: /);
});

test('what is brought is named part by part, and a CA without its key needs every certificate', () => {
  const all = 'gossip=g/key,ca=c/tls.crt,ca-key=c/tls.key,server=s,client=k';
  for (const text of [all, '', 'ca=c/tls.crt,server=s', 'gossip=my.secret/a_b'])
    assert.deepEqual(problems(`--brought=${text}`), [], text);
  for (const text of ['ca=c', 'server=s/tls.crt', 'ca=C/a', 'other=a/b', 'ca=../a/b', 'ca=a/b,ca=a/c', 'ca'])
    assert.match(problems(`--brought=${text}`).join(), /is not pairs such as ca=NAME\/KEY/, text);
  assert.match(problems('--brought=server=s').join(), /ca is required with ca-key, server or client/);
  const clients = '--client-selector=component=client';
  assert.match(problems('--brought=ca=c/tls.crt').join(), /nobody can sign; server is required/);
  assert.match(problems('--brought=ca=c/tls.crt,server=s', clients).join(), /with clients also client/);
  assert.deepEqual(problems('--brought=ca=c/tls.crt,server=s,client=k', clients), []);
});
