import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRedirectOptions, parseRedirectOptions } from '../../../src/redirection/options.ts';
import { parseCidr } from '../../../src/support/cidr.ts';
import { optionsOf } from './sample-options.ts';

const full = optionsOf({
  inboundPorts: [20_200, 1, 65_535],
  outboundPorts: [8200],
  outboundCidrs: ['203.0.113.7/24', '10.0.0.1', '2001:db8::1', '::/0'],
  uids: [5995, 0, 4_294_967_294],
  handshakes: [{ port: 20_401, to: 9090 }],
  dnsPort: 8600,
});
const FULL =
  '{"version":1,"inboundPorts":[20200,1,65535],"outboundPorts":[8200],"uids":[5995,0,4294967294],' +
  '"handshakes":[{"port":20401,"to":9090}],"dnsPort":8600,' +
  '"outboundCidrs":["203.0.113.0/24","10.0.0.1/32","2001:db8:0:0:0:0:0:1/128","0:0:0:0:0:0:0:0/0"]}';

test('the annotation holds all options, and is read as what was written', () => {
  assert.equal(formatRedirectOptions(full), FULL);
  assert.deepEqual(parseRedirectOptions(FULL), { kind: 'options', options: full });
  const least = optionsOf({});
  assert.deepEqual(parseRedirectOptions(formatRedirectOptions(least)), { kind: 'options', options: least });
});

for (const [name, text, problem] of [
  ['no JSON', FULL.slice(1), 'is not a JSON object'],
  ['no object', '[]', 'is not a JSON object'],
  ['null', 'null', 'is not a JSON object'],
  ['no version', '{}', 'version: must be 1, which this version of Tandem reads'],
  ['another version', '{"version":2}', 'version: must be 1, which this version of Tandem reads'],
  ['a version as text', '{"version":"1"}', 'version: must be 1, which this version of Tandem reads'],
  ['what is not known', FULL.replace('}]', '}],"x;\\n":1'), '"x;\\n": is not known'],
  ['no list', FULL.replace('[8200]', '8200'), 'outboundPorts: must be a list of at most 1024 elements'],
  ['no list at all', FULL.replace('"outboundPorts":[8200],', ''), /^outboundPorts: must be a list/],
  ['a long list', FULL.replace('8200', Array(1025).fill(80).join()), /^outboundPorts: must be a list of at/],
  [
    'more probes than a pod can have',
    FULL.replace('[{', `[${'{"port":1,"to":1},'.repeat(300)}{`),
    'handshakes: must be a list of at most 300 elements',
  ],
  ['a long text', FULL + ' '.repeat(65_536), 'is longer than 65536 characters'],
  ['port 0', FULL.replace('8200', '0'), 'outboundPorts[0]: must be a port, 1 to 65535'],
  ['port 65536', FULL.replace('65535', '65536'), 'inboundPorts[2]: must be a port, 1 to 65535'],
  ['half a port', FULL.replace('8200', '1.5'), 'outboundPorts[0]: must be a port, 1 to 65535'],
  ['a port as text', FULL.replace('8200', '"8200 } drop"'), 'outboundPorts[0]: must be a port, 1 to 65535'],
  ['no user', FULL.replace('4294967294', '4294967295'), 'uids[2]: must be a user id, 0 to 4294967294'],
  ['a negative user', FULL.replace('[5995', '[-1'), 'uids[0]: must be a user id, 0 to 4294967294'],
  [
    'no network',
    FULL.replace('10.0.0.1', '10.0.0.1 }'),
    'outboundCidrs[1]: must be an IP address or network',
  ],
  ['a number', FULL.replace('"10.0.0.1/32"', '10'), 'outboundCidrs[1]: must be an IP address or network'],
  [
    'a handshake of text',
    FULL.replace('{"port":20401,"to":9090}', '"x"'),
    'handshakes[0]: must be an object of port and to',
  ],
  ['half a handshake', FULL.replace(',"to":9090', ''), 'handshakes[0].to: must be a port, 1 to 65535'],
  [
    'more than a handshake',
    FULL.replace('9090', '9090,"x":1'),
    'handshakes[0]: must be an object of port and to',
  ],
  ['no DNS port', FULL.replace('8600', 'null'), 'dnsPort: must be a port, 1 to 65535'],
] as const)
  test(`refuses ${name}`, () => {
    const parsed = parseRedirectOptions(text);
    assert.ok(parsed.kind === 'invalid');
    if (typeof problem === 'string') assert.equal(parsed.problem, problem);
    else assert.match(parsed.problem, problem);
  });

test('reads the most that the webhook writes', () => {
  const most = optionsOf({
    inboundPorts: Array<number>(1024).fill(65_535),
    outboundPorts: Array<number>(512).fill(65_535),
    outboundCidrs: Array<string>(512).fill('2001:1db8:1111:2222:3333:4444:5555:6666/128'),
    uids: Array<number>(513).fill(4_294_967_294),
    handshakes: Array.from({ length: 300 }, () => ({ port: 20_599, to: 65_535 })),
    dnsPort: 8600,
  });
  assert.equal(parseRedirectOptions(formatRedirectOptions(most)).kind, 'options');
});

test('host bits of a network are dropped', () => {
  assert.deepEqual(parseCidr('203.0.113.7/24'), parseCidr('203.0.113.0/24'));
});
