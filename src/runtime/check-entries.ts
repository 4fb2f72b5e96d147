/** The facts about config entries in a cluster that `tandem check` judges. */
import { ENTRY_GROUP } from '../catalog/config-entries/entry-kinds.ts';
import { CONSUL_K8S_FINALIZER, isLeftover, readEntryObject } from '../catalog/config-entries/entry-object.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { CrdFact, EntryFacts, EntryWebhook, Leftover } from '../check/entry-findings.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { crdName, entryCollection } from '../kubernetes/entry-cluster.ts';
import { listPages } from '../kubernetes/list-pages.ts';
import { isConditionTrue } from '../model/object-status.ts';
import { TandemError } from '../support/errors.ts';
import { asString, elementsAt, property, textAt } from '../support/json.ts';
import { probe } from './probe.ts';

type EntryQuestions = {
  readonly client: Pick<ApiClient, 'request'>;
  readonly kinds: readonly EntryKind[];
  readonly adopt: boolean;
  /** The account of the sync may not read them, and need not. */
  readonly asksWebhooks: boolean;
};

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** All questions at once, each with its own limit; none of them changes anything. */
export async function entryFacts(questions: EntryQuestions, signal: AbortSignal): Promise<EntryFacts> {
  const { client, kinds, adopt, asksWebhooks } = questions;
  const [crds, leftovers, webhooks] = await Promise.all([
    probe(signal, (limited) => Promise.all(kinds.map((kind) => readCrd(client, kind, limited)))),
    probe(signal, async (limited) =>
      (await Promise.all(kinds.map((kind) => readLeftovers(client, kind, limited)))).flat(),
    ),
    asksWebhooks ? probe(signal, (limited) => readEntryWebhooks(client, limited)) : undefined,
  ]);
  return { adopt, crds, leftovers, webhooks };
}

async function readCrd(
  client: EntryQuestions['client'],
  kind: EntryKind,
  signal: AbortSignal,
): Promise<CrdFact> {
  const name = crdName(kind);
  const { status, body } = await client.request('GET', `${CRDS}/${name}`, undefined, signal);
  if (status === 404) return { name, found: undefined };
  if (status !== 200) throw refused(`GET ${CRDS}/${name}`, status);
  const annotations = property(property(body, 'metadata'), 'annotations');
  return {
    name,
    found: {
      isEstablished: isConditionTrue(body, 'Established'),
      release: asString(property(annotations, 'meta.helm.sh/release-name')),
      isKept: property(annotations, 'helm.sh/resource-policy') === 'keep',
    },
  };
}

async function readLeftovers(
  client: EntryQuestions['client'],
  kind: EntryKind,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const path = entryCollection(kind);
  const read = (object: unknown): Leftover | undefined => {
    const found = readEntryObject(object, kind.kind);
    if (found === undefined || !isLeftover(found)) return undefined;
    const { namespace, name, finalizers } = found;
    return { plural: kind.plural, namespace, name, at: finalizers.indexOf(CONSUL_K8S_FINALIZER) };
  };
  const list = await listPages(client, { path, query: {} }, read, signal);
  if (list.kind === 'listed') return list.entries.flatMap(({ value }) => value ?? []);
  if (list.failure.error?.message.includes('status 404') === true) return [];
  throw list.failure.error ?? refused(`GET ${path}`, 0);
}

/** Of consul-k8s: Tandem's own mutating webhook is called for pods only. */
async function readEntryWebhooks(
  client: EntryQuestions['client'],
  signal: AbortSignal,
): Promise<readonly EntryWebhook[]> {
  const { status, body } = await client.request('GET', CONFIGURATIONS, undefined, signal);
  if (status !== 200) throw refused(`GET ${CONFIGURATIONS}`, status);
  return elementsAt(body, 'items').flatMap((configuration) =>
    elementsAt(configuration, 'webhooks')
      .filter((entry) =>
        elementsAt(entry, 'rules').some((rule) => elementsAt(rule, 'apiGroups').includes(ENTRY_GROUP)),
      )
      .map((entry) => ({
        configuration: textAt(property(configuration, 'metadata'), 'name'),
        entry: textAt(entry, 'name'),
      })),
  );
}

function refused(call: string, status: number): TandemError {
  return new TandemError('TANDEM_KUBERNETES_REFUSED', `${call}: status ${status}`);
}
