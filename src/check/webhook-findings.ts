/** The webhook configuration as the API server has it, and what became of a call by it. */
import { X509Certificate } from 'node:crypto';
import { asString, property } from '../support/json.ts';
import { quote } from '../support/text.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';

type WebhookEntry = {
  readonly name: string;
  /** Base64 of PEM; empty when there is none. */
  readonly caBundle: string;
};

export type WebhookFacts = {
  readonly name: string;
  /** Undefined when there is no configuration of this name. */
  readonly entries: Probe<readonly WebhookEntry[] | undefined>;
  /** What the API server answered to a pod that the webhook denies, and that would not have been kept. */
  readonly call: Probe<DryRun>;
};

export type DryRun = { readonly status: number; readonly message: string };

const DAY = 24 * 60 * 60 * 1000;
// A serving certificate lives so long: whoever renews those has seen the CA at least once more before its end.
const SOON = 30 * DAY;
const PUBLISH =
  'put the CA of the served certificate into caBundle of every entry (tandem certs --print-ca-bundle)';

/** Total: what is not well-formed is absent. */
export function readWebhookEntries(configuration: unknown): readonly WebhookEntry[] {
  const webhooks = property(configuration, 'webhooks');
  return (Array.isArray(webhooks) ? webhooks : []).map((entry: unknown) => ({
    name: asString(property(entry, 'name')) ?? '',
    caBundle: asString(property(property(entry, 'clientConfig'), 'caBundle')) ?? '',
  }));
}

/** @param now milliseconds since the epoch */
export function webhookFindings({ name, entries, call }: WebhookFacts, now: number): readonly Finding[] {
  if (entries.kind === 'failed') {
    const fix = `allow this account to list mutatingwebhookconfigurations ${name}`;
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
    ...bundleFindings(entries.value, now),
    callFinding(entries.value, call),
  ];
}

/** A line for each bundle that differs: a rotation publishes the same in every entry. */
function bundleFindings(entries: readonly WebhookEntry[], now: number): Finding[] {
  return [...new Set(entries.map(({ caBundle }) => caBundle))].map((bundle) => {
    const names = entries.filter(({ caBundle }) => caBundle === bundle).map(({ name }) => name);
    return bundleFinding(names.join(', '), bundle, now);
  });
}

function bundleFinding(names: string, bundle: string, now: number): Finding {
  if (bundle === '') {
    const seen = `${names}: caBundle is empty, so the API server trusts only the CAs of its host`;
    return failure('webhook-ca', seen, PUBLISH);
  }
  const certificates = certificatesOf(bundle);
  if (certificates === undefined)
    return failure('webhook-ca', `${names}: caBundle holds something other than certificates`, PUBLISH);
  const valid = certificates.filter(({ validFromDate, validToDate }) => {
    return validFromDate.getTime() <= now && now < validToDate.getTime();
  });
  const last = new Date(Math.max(...certificates.map(({ validToDate }) => validToDate.getTime())));
  if (valid.length === 0)
    return failure(
      'webhook-ca',
      `${names}: no CA in caBundle is valid now; the last one ends at ${last.toISOString()}`,
      PUBLISH,
    );
  const seen = `${names}: caBundle is valid until ${last.toISOString()}`;
  return last.getTime() - now < SOON
    ? warning(
        'webhook-ca',
        seen,
        'renew the CA, publish it next to this one, and then renew the certificate that it signs',
      )
    : ok('webhook-ca', seen);
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
  if (entries.some(({ name }) => message.includes(`admission webhook ${JSON.stringify(name)} denied`)))
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

function mendOfCall(message: string): string {
  if (message.includes('has expired')) return 'renew the served certificate';
  return /x509|certificate/.test(message)
    ? PUBLISH
    : 'make sure that the pods behind the Service tandem-webhook are ready, and that the API server can connect to them';
}
