import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { CA_DAYS, generateCa, generateServing, SERVING_DAYS } from '../../../src/certificates/generate.ts';
import { belongTogether } from '../../../src/certificates/certificate-facts.ts';
import { checkPair, validityProblem } from '../../../src/certificates/key-pair.ts';
import { TandemError } from '../../../src/support/errors.ts';

const NOW = Date.UTC(2030, 0, 1);
const DAY = 24 * 60 * 60 * 1000;

test('a CA of one year signs a certificate of thirty days for names and addresses, on P-256', async () => {
  const ca = await generateCa(NOW);
  const pair = generateServing(ca, ['tandem-webhook.tandem.svc', '127.0.0.1', '::1'], NOW);
  const [authority, serving] = [ca, pair].map(({ certificate }) => new X509Certificate(certificate));
  assert.ok(authority !== undefined && serving !== undefined);
  assert.deepEqual([authority.ca, serving.ca], [true, false]);
  assert.ok(serving.checkIssued(authority) && serving.verify(authority.publicKey));
  assert.equal(serving.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.equal(
    serving.subjectAltName,
    'DNS:tandem-webhook.tandem.svc, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  assert.equal(authority.validToDate.getTime(), NOW + CA_DAYS * DAY);
  assert.equal(serving.validToDate.getTime(), NOW + SERVING_DAYS * DAY);
});

test('two CAs have two names: of one name, a bundle of both would verify nothing', async () => {
  const [one, two] = await Promise.all([generateCa(NOW), generateCa(NOW)]);
  assert.notEqual(new X509Certificate(one.certificate).subject, new X509Certificate(two.certificate).subject);
});

test('PEM files can be put together with cat', async () => {
  const { certificate, key } = await generateCa(NOW);
  for (const pem of [certificate, key]) assert.match(pem, /^-----BEGIN [^]*-----END [A-Z ]+-----\n$/);
});

test('a key of another certificate is no pair, and the refusal shows no key', async () => {
  const [one, two] = await Promise.all([generateCa(NOW), generateCa(NOW)]);
  const mixed = { certificate: one.certificate, key: two.key };
  assert.deepEqual([belongTogether(one), belongTogether(mixed)], [true, false]);
  assert.equal(checkPair(one, 'tls.crt, tls.key'), one);
  for (const bad of [
    mixed,
    { certificate: one.certificate, key: 'garbage' },
    { certificate: '', key: one.key },
    { certificate: one.certificate, key: '' },
  ]) {
    assert.throws(
      () => checkPair(bad, 'tls.crt, tls.key'),
      (error) =>
        error instanceof TandemError &&
        error.code === 'TANDEM_CERTIFICATE_INVALID' &&
        /^tls\.crt, tls\.key: .*expected PEM files/.test(error.message) &&
        !/PRIVATE KEY|garbage/.test(error.message),
    );
  }
});

test('a certificate can be served in its life only', async () => {
  const pair = generateServing(await generateCa(NOW), ['localhost'], NOW);
  assert.equal(validityProblem(pair, NOW), undefined);
  assert.match(validityProblem(pair, NOW - DAY) ?? '', /not valid before 2029-12-31/);
  assert.match(validityProblem(pair, NOW + SERVING_DAYS * DAY) ?? '', /expired at 2030-01-31/);
});
