/** What the kernel does with the rules: calls into a pod and out of it, by both families, and with each rule taken out. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { redirectRules } from '../../../src/redirection/rules.ts';
import { optionsOf } from '../../unit/redirection/sample-options.ts';
import { eventually } from '../harness/eventually.ts';
import { enterOwnNetwork, needRoot, startPodNetwork } from '../harness/pod-network.ts';
import { startScene } from '../harness/scene.ts';
import { startPeer } from './peer.ts';

needRoot();
enterOwnNetwork();

const [SIDECAR, VAULT] = [5995, 100];
const EXCLUDED = { IPv4: '203.0.113.1', IPv6: '2001:db8:2::1' };

const rules = redirectRules(
  optionsOf({
    inboundPorts: [20_200, 8080],
    outboundPorts: [7001],
    outboundCidrs: ['203.0.113.0/24', '2001:db8:2::/48'],
    uids: [SIDECAR, VAULT],
    handshakes: [
      { port: 20_401, to: 9090 },
      { port: 20_402, to: 9999 },
    ],
    dnsPort: 8600,
  }),
);

const scene = await startScene(['nft']);
const network = await startPodNetwork(scene, true);
const pod = await network.add();
shell(`ip addr add ${EXCLUDED.IPv4}/32 dev pods; ip addr add ${EXCLUDED.IPv6}/128 dev pods nodad`);
const node = startPeer(scene);
const inside = startPeer(scene, pod.path);
await node.serve({ 7000: 'node', 7001: 'node' }, { 7000: 'node' });
await inside.serve(
  { 20000: 'inbound', 15001: 'outbound', 9090: 'app', 8080: 'plain', 20200: 'metrics', 8600: 'dns' },
  { 9090: 'app', 8600: 'dns' },
);

function shell(script: string): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

function apply(text: string): { readonly status: number | null; readonly stderr: string } {
  const args = [`--net=${pod.path}`, 'nft', '-f', '-'];
  return spawnSync('nsenter', args, { input: text, encoding: 'utf8' });
}

const families = {
  IPv4: { node: network.nodeIp, pod: pod.ip, loopback: '127.0.0.1', excluded: EXCLUDED.IPv4 },
  IPv6: { node: network.nodeIp6, pod: pod.ip6, loopback: '::1', excluded: EXCLUDED.IPv6 },
};

type At = (typeof families)[keyof typeof families];

/** What is seen when all is as it should be, and how it is looked at. */
const observations: Readonly<Record<string, readonly [expected: string, look: (at: At) => Promise<string>]>> =
  {
    'call of the sidecar': ['node', (at) => out(at.node, 7000, SIDECAR)],
    'call of an excluded user': ['node', (at) => out(at.node, 7000, VAULT)],
    'call of another user': ['outbound', (at) => out(at.node, 7000, 1000)],
    'payload in a handshake': ['0 bytes', payload],
    'payload in a handshake, without timestamps': ['0 bytes', withoutTimestamps],
    'plain call to the application': ['inbound', (at) => into(at.pod, 9090)],
    'excluded inbound port': ['plain', (at) => into(at.pod, 8080)],
    'port of the sidecar': ['metrics', (at) => into(at.pod, 20_200)],
    'handshake, open, and nothing is heard': ['quiet', (at) => silence(at, 0)],
    'handshake, closed': ['ECONNREFUSED', (at) => into(at.pod, 20_402)],
    'UDP to the application': ['app', (at) => node.ask({ host: at.pod, port: 9090 })],
    'call to the outside': ['outbound', (at) => out(at.node, 7000)],
    'UDP to the outside': ['node', (at) => inside.ask({ host: at.node, port: 7000 })],
    'excluded outbound port': ['node', (at) => out(at.node, 7001)],
    'excluded network': ['node', (at) => out(at.excluded, 7000)],
    'loopback address': ['app', (at) => out(at.loopback, 9090)],
    'own address': ['app', (at) => out(at.pod, 9090)],
    'DNS by UDP': ['dns', (at) => inside.ask({ host: at.loopback, port: 53 })],
    'DNS by TCP': ['dns', (at) => out(at.loopback, 53)],
  };
/** One after the other: they change the user of the program, count its bytes, or change the network. */
const IN_TURN = 5;

function into(host: string, port: number): Promise<string> {
  return node.call({ host, port });
}

// Of what comes at all, nearly all comes within a millisecond; where it should come, there is another try.
function silence(at: At, bytes: number): Promise<string> {
  return node.call({ host: at.pod, port: 20_401, bytes, patience: 80 });
}

function out(host: string, port: number, uid = 0): Promise<string> {
  return inside.call({ host, port, uid });
}

async function payload(at: At): Promise<string> {
  const before = await inside.received(9090);
  await silence(at, 1400);
  return `${(await inside.received(9090)) - before} bytes`;
}

async function withoutTimestamps(at: At): Promise<string> {
  const setting = '/proc/sys/net/ipv4/tcp_timestamps';
  writeFileSync(setting, '0');
  const seen = await payload(at);
  writeFileSync(setting, '1');
  return seen;
}

type Seen = Readonly<Record<string, string>>;

async function observe(at: At): Promise<Seen> {
  const seen: Record<string, string> = {};
  const looks = Object.entries(observations).map(
    ([what, [, look]]) =>
      async () =>
        (seen[what] = await look(at)),
  );
  for (const look of looks.slice(0, IN_TURN)) await look();
  await Promise.all(looks.slice(IN_TURN).map((look) => look()));
  return seen;
}

const expected: Seen = Object.fromEntries(Object.entries(observations).map(([what, [word]]) => [what, word]));

test('without rules everything passes by the sidecar', async () => {
  for (const at of Object.values(families)) {
    assert.equal(await into(at.pod, 9090), 'app');
    assert.equal(await out(at.node, 7000), 'node');
  }
});

for (const time of ['once', 'twice'])
  test(`applied ${time}, they let pass what is excluded and nothing else`, async () => {
    assert.equal(apply(rules).stderr, '');
    // Neighbor discovery must go through the chains too.
    shell('ip neigh flush dev pods');
    for (const [family, at] of Object.entries(families))
      assert.deepEqual(await observe(at), expected, family);
  });

test('a mistake in the last line changes nothing', () => {
  const before = listed();
  const { status } = apply(rules.replace(/}\n$/, 'tcp dport nonsense\n}\n').replaceAll('7001', '7002'));
  assert.equal(status, 1);
  assert.equal(listed(), before);
});

function listed(): string {
  return shell(`nsenter --net=${pod.path} nft list ruleset`);
}

// Nobody sends such headers here: that these are in the kernel is all that is asked.
const RARE = /doff (?:6|7|9|1\d)|hdrlength|nexthdr/;
const lines = rules.split('\n');
const rulesAt = lines.flatMap((line, index) => (/^ {4}(?!type )/.test(line) ? [index] : []));

test('the kernel has the lines for headers that are rare', () => {
  const rare = rulesAt.map((index) => lines[index]?.trim() ?? '').filter((line) => RARE.test(line));
  assert.equal(rare.length, 2 * 10);
  const kernel = listed();
  for (const line of rare) assert.ok(kernel.includes(line), line);
});

for (const [family, at] of Object.entries(families))
  test(`every other rule is needed, ${family}`, async () => {
    const ofFamily = rulesAt.filter((index) => {
      const isIpv6 = lines.indexOf('table ip6 tandem') < index;
      return isIpv6 === (family === 'IPv6') && !RARE.test(lines[index] ?? '');
    });
    assert.equal(ofFamily.length, 14);
    for (const index of ofFamily) {
      assert.equal(apply(lines.toSpliced(index, 1).join('\n')).stderr, '');
      await eventually(`a difference without ${lines[index]}`, async () =>
        assert.notDeepEqual(await observe(at), expected),
      );
    }
  });
