/** Every way in which a namespace and a pod of it say whether it is injected and transparent, through the API server. */
import assert from 'node:assert/strict';
import type { KubernetesObject } from '../harness/api-client.ts';
import type { ApiServer } from '../harness/api-server.ts';

const PREFIX = 'consul.hashicorp.com/';

type Said = 'true' | 'false' | undefined;
const SAID: readonly Said[] = [undefined, 'true', 'false'];
/** Of the label, and what it says: it is read by the words of a boolean, and any other is as if absent. */
const TRANSPARENT_LABELS: readonly (readonly [string | undefined, Said])[] = [
  [undefined, undefined],
  ['true', 'true'],
  ['0', 'false'],
  ['perhaps', undefined],
];
const INJECT_LABELS: readonly Said[] = [undefined, 'true'];

/** Injected; transparent when its traffic is redirected too. */
type Outcome = 'plain' | 'injected' | 'transparent';

/** Absent ones are left out. */
function prefixed(said: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(said).flatMap(([name, value]) =>
    value === undefined ? [] : [[`${PREFIX}${name}`, value] as const],
  );
  return Object.fromEntries(entries);
}

function outcomeOf(pod: KubernetesObject): Outcome {
  const { initContainers = [] } = pod['spec'] as { readonly initContainers?: readonly { name: string }[] };
  const names = initContainers.map(({ name }) => name);
  if (!names.includes('consul-connect-envoy-sidecar')) return 'plain';
  return names.includes('consul-connect-redirect') ? 'transparent' : 'injected';
}

function expectedOutcome(inject: Said, transparent: Said, byDefault: boolean): Outcome {
  if (inject !== 'true') return 'plain';
  return (transparent ?? String(byDefault)) === 'true' ? 'transparent' : 'injected';
}

/**
 * Each namespace is made right before its pods: the API server must decide by labels that it does not have in its cache yet.
 *
 * @param byDefault `--transparent-proxy` of the webhook
 * @returns how many pods were injected
 */
export async function assertOutcomes(
  { admin, createNamespace }: ApiServer,
  byDefault: boolean,
): Promise<number> {
  const namespaces = INJECT_LABELS.flatMap((inject) =>
    TRANSPARENT_LABELS.map(([label, transparent]) => ({ inject, label, transparent })),
  );
  const pods = SAID.flatMap((asked) => SAID.map((redirect) => ({ asked, redirect })));
  let injected = 0;
  // One after the other: a webhook stops late while the API server has connections that it dialed ahead.
  for (const [index, { inject, label, transparent }] of namespaces.entries()) {
    const namespace = `labels-${byDefault}-${index}`;
    await createNamespace(namespace, prefixed({ 'connect-inject': inject, 'transparent-proxy': label }));
    for (const { asked, redirect } of pods) {
      const annotations = prefixed({ 'connect-inject': asked, 'transparent-proxy': redirect });
      const pod = await admin.expect('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
        metadata: { generateName: 'pod-', annotations },
        spec: { containers: [{ name: 'web', image: 'example/web:1', ports: [{ containerPort: 8080 }] }] },
      });
      const expected = expectedOutcome(asked ?? inject, redirect ?? transparent, byDefault);
      assert.equal(outcomeOf(pod), expected, JSON.stringify({ inject, label, annotations, byDefault }));
      if (expected !== 'plain') injected += 1;
    }
  }
  return injected;
}
