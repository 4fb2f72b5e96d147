/** `tandem review`: a pod manifest as the AdmissionReview that an API server would send. */
import { createHash } from 'node:crypto';
import { oneOf, string } from '../config/flag.ts';
import { podsOf, type PodTemplate } from '../manifests/pod-template.ts';
import { asString, property, textAt } from '../support/json.ts';
import { escapeJson } from '../support/text.ts';
import { command, Misuse } from './command.ts';
import { exit } from '../runtime/context.ts';
import { readManifestDocuments, type PlacedDocument } from '../runtime/manifest-documents.ts';
import { stdinProblem } from '../runtime/manifest-files.ts';
import { tell } from '../runtime/tell.ts';

/** Without CONNECT, whose object is never a pod. */
const operations = ['CREATE', 'UPDATE', 'DELETE'] as const;

const flags = {
  namespace: string('Namespace of the request if the manifest has none.', 'NAME', 'default'),
  operation: oneOf('Operation of the request.', operations, 'CREATE'),
  apiVersion: oneOf('Version of the AdmissionReview.', ['v1', 'v1beta1'], 'v1'),
};

export const reviewCommand = command({
  operands: '[FILE…|DIR|-]',
  flags,
  examples: [
    'tandem review examples/dashboard.yaml > review.json',
    "curl --cacert certs/ca.crt -H 'content-type: application/json' -d @review.json https://localhost:8443/mutate",
  ],
  run: async (values, operands, { stdin, stdout, stderr }) => {
    const misuse = stdinProblem(operands, stdin);
    if (misuse !== undefined) throw new Misuse(misuse);
    const found = firstPod(await readManifestDocuments(operands, stdin));
    if (found === undefined) {
      tell(stderr, 'tandem review: no pod, and no workload with a pod template, in these manifests');
      return exit.unreadable;
    }
    const review = reviewOf(found.template, { ...values, uid: stableUid(found.text) });
    stdout.write(`${escapeJson(JSON.stringify(review, null, 2))}\n`);
    return exit.done;
  },
});

function firstPod(
  documents: readonly PlacedDocument[],
): { readonly template: PodTemplate; readonly text: string } | undefined {
  for (const { value, text } of documents) {
    const pod = podsOf(value).find(({ isPassedOver }) => !isPassedOver);
    if (pod !== undefined) return { template: pod.template, text };
  }
  return undefined;
}

type ReviewValues = {
  readonly namespace: string;
  readonly operation: (typeof operations)[number];
  readonly apiVersion: string;
  readonly uid: string;
};

function reviewOf(
  template: PodTemplate,
  { namespace: fallback, operation, apiVersion, uid }: ReviewValues,
): object {
  const namespace = template.namespace ?? fallback;
  const metadata = metadataOf(template, operation, uid);
  const name = asString(property(metadata, 'name'));
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  return {
    apiVersion: `admission.k8s.io/${apiVersion}`,
    kind: 'AdmissionReview',
    request: {
      uid,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      ...(name === undefined ? {} : { name }),
      namespace,
      operation,
      userInfo: { username: 'tandem-review' },
      object: operation === 'DELETE' ? null : pod,
      // The stored pod is the same: the update changes nothing.
      oldObject: operation === 'CREATE' ? null : pod,
      dryRun: false,
      options: { kind: OPTIONS[operation], apiVersion: 'meta.k8s.io/v1' },
    },
  };
}

const OPTIONS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;

/** The API server makes a name from `generateName` only after it has asked about the creation, so only a stored pod has one. */
function metadataOf(
  { path, name, metadata: given }: PodTemplate,
  operation: ReviewValues['operation'],
  uid: string,
): unknown {
  const isPod = path.length === 0;
  const metadata = isPod ? given : { generateName: `${name}-`, ...(given as object) };
  const prefix = textAt(metadata, 'generateName');
  const isNamed = operation === 'CREATE' || (isPod && property(metadata, 'name') !== undefined);
  return isNamed ? metadata : { ...(metadata as object), name: `${prefix}${uid.slice(0, 5)}` };
}

/** In the form of a UUID and the same for the same file, so that two reviews can be compared. */
function stableUid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
