/** Certificates that both Node and Consul take: of an own CA, of one signed crosswise, and of a CA that somebody brought. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { generate } from 'selfsigned';
import { crossSigned, newCa, newLeaf } from '../../../src/certificates/sign.ts';
import { isForHosts } from '../../../src/secure/certificates.ts';
import { isSignedBy } from '../../../src/support/known-certificate.ts';

const DAY = 86_400_000;
const life = { now: Date.parse('2026-01-01T00:00:00Z'), life: 30 * DAY };
const HOSTS = [
  'server.dc1.consul',
  '*.mesh-server.consul.svc',
  'localhost',
  '127.0.0.1',
  '::1',
  '2001:db8::5',
];

test('a leaf is for its hosts on both sides of a connection, and does not outlive its CA', () => {
  const ca = newCa({ ...life, life: 10 * DAY });
  const leaf = newLeaf(ca, HOSTS, life);
  const read = new X509Certificate(leaf.certificate);
  assert.ok(isSignedBy(leaf.certificate, ca.certificate));
  assert.ok(isForHosts(leaf.certificate, HOSTS));
  assert.ok(!isForHosts(leaf.certificate, HOSTS.slice(1)));
  assert.ok(!isForHosts(leaf.certificate, [...HOSTS, 'other']));
  assert.equal(read.checkHost('server-0.mesh-server.consul.svc'), '*.mesh-server.consul.svc');
  assert.deepEqual(read.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.equal(read.validToDate.getTime(), new X509Certificate(ca.certificate).validToDate.getTime());
});

test('who trusts the old CA alone trusts a leaf of the new one, by the cross certificate', () => {
  const [old, next] = [newCa(life), newCa(life)];
  const cross = crossSigned(next.certificate, old, life.now);
  const leaf = newLeaf(next, HOSTS, life);
  assert.ok(isSignedBy(cross, old.certificate));
  assert.ok(isSignedBy(leaf.certificate, cross));
  assert.ok(!isSignedBy(leaf.certificate, old.certificate));
});

test('who signs with a CA of ours in another way names it in the same bytes, as Go compares them', async () => {
  const ca = newCa(life);
  const { cert } = await generate([{ name: 'commonName', value: 'x' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    ca: { cert: ca.certificate, key: ca.key },
  });
  const { subject, raw } = new X509Certificate(ca.certificate);
  const name = Buffer.from(subject.replace('CN=', ''));
  // With the tag and the length of the text.
  const inCa = raw.subarray(raw.indexOf(name) - 2, raw.indexOf(name) + name.length);
  assert.ok(new X509Certificate(cert).raw.includes(inCa));
});

test('a CA with an RSA key and a longer name signs, too, and its name is copied byte for byte', async () => {
  const name = [
    { name: 'countryName', value: 'DE' },
    { name: 'organizationName', value: 'Müller & Söhne' },
    { name: 'commonName', value: 'brought' },
  ];
  const extensions = [{ name: 'basicConstraints', cA: true, critical: true }] as const;
  const made = await generate(name, {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [...extensions],
  });
  const leaf = newLeaf({ certificate: made.cert, key: made.private }, HOSTS, { now: Date.now(), life: DAY });
  const [ca, read] = [new X509Certificate(made.cert), new X509Certificate(leaf.certificate)];
  assert.ok(isSignedBy(leaf.certificate, made.cert));
  assert.equal(read.issuer, ca.subject);
  assert.ok(read.raw.includes(Buffer.from('Müller & Söhne')));
});
