/** The facts of a cluster that `tandem check` judges. */
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import { createNameIndex } from '../catalog/to-consul/name-index.ts';
import { desired } from '../catalog/to-consul/desired-instances.ts';
import type { ToConsulSettings } from '../catalog/to-consul/to-consul-settings.ts';
import type { ClusterFacts, NameFacts } from '../check/cluster-findings.ts';
import type { Probe } from '../check/finding.ts';
import { neededRules, type Needs, type RightFact, type Rule } from '../check/rights.ts';
import { readWebhookEntries, type DryRun, type WebhookFacts } from '../check/webhook-findings.ts';
import { ENTRY_GROUP, ENTRY_KINDS, ENTRY_VERSION } from '../catalog/config-entries/entry-kinds.ts';
import type { ApiAnswer, ApiClient } from '../kubernetes/api-client.ts';
import { messageOf, requestRefused } from '../kubernetes/refused-object.ts';
import type { CheckValues } from '../config/check-flags.ts';
import { toConsulSettings } from '../config/sync-settings.ts';
import { versionOf, type ServerVersion } from '../kubernetes/server-version.ts';
import { MUTATING, VALIDATING } from '../kubernetes/webhook-configuration.ts';
import { elementsAt, property } from '../support/json.ts';
import { entryFacts } from './check-entries.ts';
import { clusterOwner } from './cluster-owner.ts';
import { clusterSource } from './cluster-source.ts';
import { redirectionFacts, type RedirectionQuestions } from './check-redirection.ts';
import { probe } from './probe.ts';

type ClusterQuestions = {
  readonly client: ApiClient;
  readonly server: string;
  readonly values: CheckValues;
  readonly needs: Needs;
  /** Undefined if nothing is asked about transparent proxy. */
  readonly redirection: Omit<RedirectionQuestions, 'client'> | undefined;
};

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** All questions at once, each with its own limit; none of them changes anything. */
export async function clusterFacts(questions: ClusterQuestions, signal: AbortSignal): Promise<ClusterFacts> {
  const { client, server, values, needs } = questions;
  const { webhook: ofWebhook, sync } = needs;
  const { webhookConfiguration, configEntries, configEntriesAdopt: adopt, account } = values;
  const ofEntries = { client, kinds: ENTRY_KINDS, adopt, asksWebhooks: account === 'all' };
  const [version, rights, webhook, entryWebhook, owner, names, entries, redirection] = await Promise.all([
    probe(signal, (limited) => readVersion(client, limited)),
    Promise.all(neededRules(needs).map((rule) => rightFact(client, rule, signal))),
    ofWebhook && webhookFacts(client, MUTATING, webhookConfiguration, deniedPod, signal),
    ofWebhook && configEntries
      ? webhookFacts(client, VALIDATING, webhookConfiguration, deniedEntry, signal)
      : undefined,
    sync !== undefined || ofWebhook?.ownerFromCluster === true ? ownerFact(questions, signal) : undefined,
    sync?.toConsul && probe(signal, (limited) => readNames(client, values, limited)),
    sync?.configEntries && entryFacts(ofEntries, signal),
    questions.redirection && redirectionFacts({ ...questions.redirection, client }, signal),
  ]);
  return { server, version, rights, webhook, entryWebhook, owner, names, entries, redirection };
}

async function readVersion(client: ApiClient, signal: AbortSignal): Promise<ServerVersion> {
  const answer = await client.request('GET', '/version', undefined, signal);
  return versionOf(expectSuccess('GET /version', answer));
}

function ownerFact(
  { client, values: { owner } }: ClusterQuestions,
  signal: AbortSignal,
): Promise<Probe<string>> {
  return owner === undefined
    ? probe(signal, (limited) => clusterOwner(client, limited))
    : Promise.resolve({ kind: 'seen', value: owner });
}

async function rightFact(client: ApiClient, rule: Rule, signal: AbortSignal): Promise<RightFact> {
  const missing = await probe(signal, async (limited) => {
    const answers = await Promise.all(rule.verbs.map((verb) => isAllowed(client, rule, verb, limited)));
    return rule.verbs.filter((_verb, index) => answers[index] === false);
  });
  return { rule, missing };
}

async function isAllowed(client: ApiClient, rule: Rule, verb: string, signal: AbortSignal): Promise<boolean> {
  const [resource, subresource] = rule.kind === 'path' ? [] : rule.resource.split('/');
  // What is undefined is not sent.
  const spec =
    rule.kind === 'path'
      ? { nonResourceAttributes: { path: rule.path, verb } }
      : {
          resourceAttributes: {
            group: rule.group,
            resource,
            subresource,
            verb,
            namespace: rule.namespace,
            name: rule.name,
          },
        };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
  const review = expectSuccess(`POST ${REVIEWS}`, await client.request('POST', REVIEWS, body, signal));
  return property(property(review, 'status'), 'allowed') === true;
}

async function webhookFacts(
  client: ApiClient,
  collection: typeof MUTATING | typeof VALIDATING,
  name: string,
  denied: Denied,
  signal: AbortSignal,
): Promise<WebhookFacts> {
  const [entries, call] = await Promise.all([
    probe(signal, async (limited) => {
      // Like the webhook itself, whose account may list this one but not get it.
      const path = `${collection}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
      const answer = await client.request('GET', path, undefined, limited);
      const [found]: readonly unknown[] = elementsAt(expectSuccess(`GET ${path}`, answer), 'items');
      return found === undefined ? undefined : readWebhookEntries(found);
    }),
    probe(signal, (limited) => dryRun(client, denied, limited)),
  ]);
  return { name, entries, call };
}

type Denied = { readonly path: string; readonly object: object };

const deniedPod: Denied = {
  path: '/api/v1/namespaces/default/pods',
  object: {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'tandem-check-',
      // Its value makes the webhook deny it, so nothing else has to allow it.
      annotations: { [`${ANNOTATION_PREFIX}connect-inject`]: 'tandem-check' },
    },
    spec: { containers: [{ name: 'check', image: 'tandem' }] },
  },
};

const deniedEntry: Denied = {
  path: `/apis/${ENTRY_GROUP}/${ENTRY_VERSION}/namespaces/default/serviceintentions`,
  object: {
    apiVersion: `${ENTRY_GROUP}/${ENTRY_VERSION}`,
    kind: 'ServiceIntentions',
    metadata: { generateName: 'tandem-check-' },
    spec: { sources: [] },
  },
};

/** The API server calls the webhook as it would for a real object: nothing else proves that it can. */
async function dryRun(client: ApiClient, { path, object }: Denied, signal: AbortSignal): Promise<DryRun> {
  const { status, body } = await client.request('POST', `${path}?dryRun=All`, object, signal);
  return { status, message: messageOf(body) };
}

async function readNames(client: ApiClient, values: CheckValues, signal: AbortSignal): Promise<NameFacts> {
  // Names do not depend on the owner.
  const settings = toConsulSettings(values, values.owner ?? 'unknown');
  const failed = Promise.withResolvers<never>();
  const source = clusterSource({
    client,
    withIngresses: settings.enableIngress,
    onRestart: (_kind, { error }) => {
      if (error !== undefined) failed.reject(error);
    },
  });
  try {
    await Promise.race([source.synced(signal), failed.promise]);
    return namesOf(source, settings);
  } finally {
    await source.stop();
  }
}

function namesOf(
  { snapshot }: Pick<ReturnType<typeof clusterSource>, 'snapshot'>,
  settings: ToConsulSettings,
): NameFacts {
  const index = createNameIndex();
  const names = new Set<string>();
  let services = 0;
  for (const source of snapshot.sources()) {
    const service = snapshot.service(source);
    if (service === undefined) continue;
    const result = desired(service, snapshot.related(source), settings);
    if (result.kind === 'skip') continue;
    services += 1;
    index.set(source, result.instances);
    for (const { name } of result.instances) names.add(name);
  }
  return { services, names: [...names].toSorted(), clashes: index.clashes() };
}

/** @throws TandemError TANDEM_KUBERNETES_REFUSED */
function expectSuccess(call: string, answer: ApiAnswer): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw requestRefused(call, answer);
}
