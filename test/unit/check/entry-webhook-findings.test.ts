/** What `tandem check` says about the webhook that validates config entries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateCa } from '../../../src/certificates/generate.ts';
import { entryWebhookFindings, type WebhookFacts } from '../../../src/check/webhook-findings.ts';

const DAY = 24 * 60 * 60 * 1000;
const NOW = Date.parse('2026-01-01T00:00:00Z');
const ENTRY = 'config-entries.validate.tandem.dev';
const DENIED = `admission webhook "${ENTRY}" denied the request: spec.sources: is required`;
const ca = await generateCa(NOW);
const bundle = Buffer.from(ca.certificate).toString('base64');

const seen = <T>(value: T) => ({ kind: 'seen', value }) as const;
const failed = { kind: 'failed', code: 'TANDEM_KUBERNETES_REFUSED', reason: 'status 403' } as const;

function lines(facts: Partial<WebhookFacts>, now = NOW + DAY): readonly string[] {
  const fine = seen({ status: 422, message: DENIED });
  const entries = seen([{ name: ENTRY, caBundle: bundle }]);
  return entryWebhookFindings({ name: 'tandem-webhook', entries, call: fine, ...facts }, now).map(
    (finding) =>
      finding.status === 'ok'
        ? `ok ${finding.check} ${finding.seen}`
        : `${finding.status} ${finding.check} ${finding.seen} → ${finding.fix}`,
  );
}

test('a configuration whose CA is valid, and a webhook that denies', () => {
  const [configuration = '', authority = '', call = '', ...more] = lines({});
  assert.equal(configuration, `ok entry-webhook tandem-webhook has ${ENTRY}`);
  assert.match(authority, /^ok entry-webhook-ca .*caBundle is valid until 20/);
  assert.match(call, /^ok entry-webhook-call the API server asks the webhook about config entries/);
  assert.deepEqual(more, []);
});

test('without a configuration, or without an entry in it, objects are stored unchecked, which stops nothing', () => {
  for (const entries of [undefined, []])
    assert.match(
      lines({ entries: seen(entries) }).join(),
      /^warning entry-webhook there is no ValidatingWebhookConfiguration tandem-webhook with an entry.*→ set configEntries\.enabled/,
    );
  assert.match(
    lines({ entries: failed }).join(),
    /^warning entry-webhook .*cannot be read: status 403 → allow this account to list validatingwebhookconfigurations tandem-webhook$/,
  );
});

test('a CA that is missing, unreadable, ending or over comes with the way to publish another', () => {
  const authority = (caBundle: string, now?: number): string =>
    lines({ entries: seen([{ name: ENTRY, caBundle }]) }, now)[1] ?? '';
  assert.match(authority(''), /^failure entry-webhook-ca .*caBundle is empty.*--print-ca-bundle/);
  assert.match(authority('bm9uZQ=='), /^failure .*something other than certificates/);
  assert.match(authority(bundle, NOW + 10_000 * DAY), /^failure .*no CA in caBundle is valid now/);
  assert.match(authority(bundle, NOW - 10_000 * DAY), /^failure .*no CA in caBundle is valid now/);
  const { validTo } = /valid until (?<validTo>\S+)$/.exec(authority(bundle))?.groups ?? {};
  assert.match(authority(bundle, Date.parse(validTo ?? '') - DAY), /^warning .*valid until.*renew the CA/);
});

for (const [what, call, line] of [
  [
    'stored',
    seen({ status: 201, message: '' }),
    /^failure .*stores an invalid ServiceIntentions.*needs --config-entries$/,
  ],
  [
    'not trusted',
    seen({ status: 500, message: `failed calling webhook "${ENTRY}": x509: unknown authority` }),
    /^failure .*unknown authority/,
  ],
  [
    'of no known kind',
    seen({ status: 404, message: 'not found' }),
    /^warning .*status 404.*→ install the CRDs/,
  ],
  ['forbidden', seen({ status: 403, message: 'no' }), /^warning .*status 403.*may create serviceintentions/],
  ['not answered', failed, /^warning .*cannot tell whether the webhook answers: status 403/],
] as const)
  test(`an invalid object that is ${what}`, () => {
    assert.match(lines({ call })[2] ?? '', line);
  });
