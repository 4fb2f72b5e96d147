/** The webhook configurations as the API server has them, and the result of a call by each. */
import { X509Certificate } from 'node:crypto';
import { elementsAt, property, textAt } from '../support/json.ts';
import { quote } from '../support/text.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';
import { clusterFix } from './fix-of.ts';

type WebhookEntry = {
  readonly name: string;
  /** Base64 of PEM; empty when there is none. */
  readonly caBundle: string;
};

export type WebhookFacts = {
  readonly name: string;
  /** Undefined when there is no configuration of this name. */
  readonly entries: Probe<readonly WebhookEntry[] | undefined>;
  /** What the API server answered to an object that the webhook denies, and that would not have been stored. */
  readonly call: Probe<DryRun>;
};

export type DryRun = { readonly status: number; readonly message: string };

const DAY = 24 * 60 * 60 * 1000;
// The lifetime of a serving certificate: someone who renews those by hand works with the CA at least once more before it expires.
const SOON = 30 * DAY;
const PUBLISH =
  'put the CA of the served certificate into caBundle of every entry (tandem certs --print-ca-bundle)';

/** Total: what is not well-formed is absent. */
export function readWebhookEntries(configuration: unknown): readonly WebhookEntry[] {
  return elementsAt(configuration, 'webhooks').map((entry: unknown) => ({
    name: textAt(entry, 'name'),
    caBundle: textAt(property(entry, 'clientConfig'), 'caBundle'),
  }));
}

/** @param now milliseconds since the epoch */
export function webhookFindings({ name, entries, call }: WebhookFacts, now: number): readonly Finding[] {
  if (entries.kind === 'failed') {
    const fix = clusterFix(entries, `allow this account to list mutatingwebhookconfigurations ${name}`);
    return [warning('webhook', `the configuration ${name} cannot be read: ${entries.reason}`, fix)];
  }
  if (entries.value === undefined) {
    const fix = 'to inject pods, run kubectl apply -k deploy/manifests';
    return [warning('webhook', `there is no MutatingWebhookConfiguration ${name}: nothing is injected`, fix)];
  }
  if (entries.value.length === 0)
    return [
      failure('webhook', `${name} has no entries: nothing is injected`, 'apply deploy/manifests again'),
    ];
  return [
    ok('webhook', `${name} has ${entries.value.map((entry) => entry.name).join(', ')}`),
    ...bundleFindings('webhook-ca', entries.value, now),
    callFinding(entries.value, call),
  ];
}

/** Of the ValidatingWebhookConfiguration: what is wrong with it leaves objects unchecked, and stops nothing. */
export function entryWebhookFindings({ name, entries, call }: WebhookFacts, now: number): readonly Finding[] {
  if (entries.kind === 'failed') {
    const fix = clusterFix(entries, `allow this account to list validatingwebhookconfigurations ${name}`);
    return [warning('entry-webhook', `the configuration ${name} cannot be read: ${entries.reason}`, fix)];
  }
  if (entries.value === undefined || entries.value.length === 0) {
    const seen = `there is no ValidatingWebhookConfiguration ${name} with an entry: config entries are stored unchecked`;
    return [
      warning(
        'entry-webhook',
        seen,
        'set configEntries.enabled of the chart; the sync reports problems meanwhile',
      ),
    ];
  }
  return [
    ok('entry-webhook', `${name} has ${entries.value.map((entry) => entry.name).join(', ')}`),
    ...bundleFindings('entry-webhook-ca', entries.value, now),
    entryCallFinding(entries.value, call),
  ];
}

/** An entry with failurePolicy Ignore accepts what it cannot ask about. */
function entryCallFinding(entries: readonly WebhookEntry[], call: Probe<DryRun>): Finding {
  const check = 'entry-webhook-call';
  const unknown = 'use an account that may create serviceintentions in the namespace default';
  if (call.kind === 'failed')
    return warning(check, `cannot tell whether the webhook answers: ${call.reason}`, unknown);
  const { status, message } = call.value;
  if (isDeniedBy(entries, message))
    return ok(check, 'the API server asks the webhook about config entries, and trusts its certificate');
  if (message.includes('failed calling webhook')) return failure(check, message, mendOfCall(message));
  if (status < 300)
    return failure(
      check,
      'the API server stores an invalid ServiceIntentions: it does not reach the webhook, does not trust its certificate, or does not ask it',
      `${PUBLISH}; tandem webhook needs --config-entries`,
    );
  const seen = `cannot tell whether the webhook answers: status ${status}, ${quote(message)}`;
  return warning(check, seen, status === 404 ? 'install the CRDs (configEntries.installCRDs)' : unknown);
}

/** A line for each bundle that differs: a rotation publishes the same in every entry. */
function bundleFindings(check: CaCheck, entries: readonly WebhookEntry[], now: number): Finding[] {
  return [...new Set(entries.map(({ caBundle }) => caBundle))].map((bundle) => {
    const names = entries.filter(({ caBundle }) => caBundle === bundle).map(({ name }) => name);
    return bundleFinding(check, names.join(', '), bundle, now);
  });
}

type CaCheck = 'webhook-ca' | 'entry-webhook-ca';

function bundleFinding(check: CaCheck, names: string, bundle: string, now: number): Finding {
  if (bundle === '') {
    const seen = `${names}: caBundle is empty, so the API server trusts only the CAs of its host`;
    return failure(check, seen, PUBLISH);
  }
  const certificates = certificatesOf(bundle);
  if (certificates === undefined)
    return failure(check, `${names}: caBundle holds something other than certificates`, PUBLISH);
  const valid = certificates.filter(({ validFromDate, validToDate }) => {
    return validFromDate.getTime() <= now && now < validToDate.getTime();
  });
  const last = new Date(Math.max(...certificates.map(({ validToDate }) => validToDate.getTime())));
  if (valid.length === 0)
    return failure(
      check,
      `${names}: no CA in caBundle is valid now; the last one ends at ${last.toISOString()}`,
      PUBLISH,
    );
  const seen = `${names}: caBundle is valid until ${last.toISOString()}`;
  return last.getTime() - now < SOON
    ? warning(
        check,
        seen,
        'renew the CA, publish it next to this one, and then renew the certificate that it signs',
      )
    : ok(check, seen);
}

/** Undefined unless it is one certificate or more, and all of them can be read. */
function certificatesOf(bundle: string): readonly X509Certificate[] | undefined {
  const pem = Buffer.from(bundle, 'base64').toString('latin1');
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    const certificates = blocks.map((block) => new X509Certificate(block));
    return certificates.length === 0 ? undefined : certificates;
  } catch {
    return undefined;
  }
}

/**
 * | the API server says | |
 * | --- | --- |
 * | one of the entries denied it | ok: it can reach the webhook, and trusts it |
 * | it failed to call the webhook | failure, with its own words |
 * | accepted | failure: it did not ask |
 * | anything else | warning: another rule was in the way |
 */
function callFinding(entries: readonly WebhookEntry[], call: Probe<DryRun>): Finding {
  const unknown =
    'use an account that may create pods in the namespace default, or check the readiness of tandem-webhook';
  if (call.kind === 'failed')
    return warning('webhook-call', `cannot tell whether the webhook answers: ${call.reason}`, unknown);
  const { status, message } = call.value;
  if (isDeniedBy(entries, message))
    return ok('webhook-call', 'the API server reaches the webhook and trusts its certificate');
  if (message.includes('failed calling webhook'))
    return failure('webhook-call', message, mendOfCall(message));
  if (status < 300)
    return failure(
      'webhook-call',
      'the API server accepts a pod with a wrong annotation without asking the webhook',
      'compare namespaceSelector, matchConditions and rules with deploy/manifests',
    );
  return warning(
    'webhook-call',
    `cannot tell whether the webhook answers: status ${status}, ${quote(message)}`,
    unknown,
  );
}

function isDeniedBy(entries: readonly WebhookEntry[], message: string): boolean {
  return entries.some(({ name }) => message.includes(`admission webhook ${JSON.stringify(name)} denied`));
}

function mendOfCall(message: string): string {
  if (message.includes('has expired')) return 'renew the served certificate';
  return /x509|certificate/.test(message)
    ? PUBLISH
    : 'make sure that the pods behind the Service tandem-webhook are ready, and that the API server can connect to them';
}
