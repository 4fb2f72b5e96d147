/** What `tandem secure` does once, beside a loop that runs: prints what is due, requests a rotation, or deletes what it made. */
import type { SecureValues } from '../config/secure-flags.ts';
import type { ApiClient, ClusterAccess } from '../kubernetes/api-client.ts';
import { annotateOwned, deleteOwned } from '../kubernetes/owned-object.ts';
import { listPages } from '../kubernetes/list-pages.ts';
import { INJECTED, STATUS } from '../model/kubernetes-names.ts';
import { readRunningSince, rolesInUse } from '../secure/component-login.ts';
import { stepText } from '../secure/describe-step.ts';
import { DISTRUST, type Memory } from '../secure/observed.ts';
import { namesToSettle, readPodName, type PodName } from '../secure/names-after-login.ts';
import { readPodAccess, type PodAccess } from '../secure/plain-pods.ts';
import { rotationRefusal } from '../secure/rotation-refusal.ts';
import { nextSecureStep } from '../secure/secure-plan.ts';
import { nextGate, podsToRestart, problemsOf } from '../secure/secure-report.ts';
import { aclName, objectNames, type SecureSettings } from '../secure/secure-settings.ts';
import { TandemError } from '../support/errors.ts';
import { secret } from '../support/secret.ts';
import { createLog } from '../telemetry/logger.ts';
import { createSecureMetrics } from '../telemetry/secure-metrics.ts';
import { exit, type Context, type ExitCode } from './context.ts';
import { openSecureView, type SecureView } from './open-secure-view.ts';
import { keptPlaces, placeOf, ROTATE_ANNOTATION } from './secure-objects.ts';
import { tell } from './tell.ts';

type Named = { readonly name: string; readonly namespace: string };

export async function purgeObjects(client: ApiClient, place: Named, { stdout }: Context): Promise<ExitCode> {
  for (const each of keptPlaces(place)) {
    const was = await deleteOwned(client, each);
    stdout.write(`${each.kind} ${each.namespace}/${each.name}: ${PURGED[was]}\n`);
  }
  return exit.done;
}

const PURGED = {
  deleted: 'deleted',
  'not-there': 'not there',
  'not-ours': 'left, because Tandem did not make it',
} as const;

export async function askFor(
  client: ApiClient,
  place: Named & Parameters<typeof rotationRefusal>[2] & Pick<SecureValues, 'distrust'>,
  rotation: NonNullable<SecureValues['rotate']>,
  { stdout, stderr }: Context,
): Promise<ExitCode> {
  const refusal = rotationRefusal(rotation, place.distrust, place);
  if (refusal !== undefined) {
    stderr.write(`nothing to rotate: ${refusal}\n`);
    return exit.usage;
  }
  const state = placeOf(place, 'state');
  const request = new Date().toISOString() + (place.distrust ? DISTRUST : '');
  await annotateOwned(client, state, { [ROTATE_ANNOTATION + rotation]: request });
  stdout.write(`asked for ${rotation}; tandem secure --plan shows the progress\n`);
  return exit.done;
}

const NO_MEMORY: Memory = {
  reloads: new Map(),
  behindSince: new Map(),
  reviewers: new Map(),
  keysGoneSince: new Map(),
  bootstrapClosed: undefined,
  aclsOffAt: undefined,
  primarySince: undefined,
};

export async function printPlan(
  settings: SecureSettings,
  values: SecureValues,
  { access, client }: { readonly access: ClusterAccess; readonly client: ApiClient },
  { stdout, stderr, signal }: Context,
): Promise<ExitCode> {
  const view = await openSecureView({
    settings,
    values,
    access,
    client,
    metrics: createSecureMetrics(),
    log: createLog(stderr, 'warn'),
    mayWrite: () => false,
  });
  try {
    // This fails at once when a right is missing; a watch would only log it and retry forever.
    await view.objects.read(Date.now(), signal);
    await view.synced(signal);
    const observed = await view.observe(NO_MEMORY, signal);
    const step = nextSecureStep(settings, observed);
    const injected = await injectedPods(settings, client, signal);
    const pods = injected?.flatMap((each) => each.access ?? []);
    const logins = await componentLogins(settings, client, view, signal);
    const gate = nextGate(settings, observed, step, { pods, logins });
    const lines = [
      `stage: ${settings.stage}`,
      ...observed.agents.map(({ kind, pod, state }) =>
        state.kind === 'silent'
          ? `${kind} ${pod.name}: ${state.why}`
          : `${kind} ${pod.name}: Secret ${state.stamp} of ${observed.agentSecrets[kind].stamp}`,
      ),
      `ACLs: ${observed.acl.kind}`,
      `next: ${stepText(step)}`,
      ...problemsOf(settings, observed, step).map(({ reason, message }) => `problem: ${reason}: ${message}`),
      ...podsToRestart(settings, observed, pods),
      ...namesToSettle(settings, injected?.flatMap((each) => each.name ?? []) ?? []),
      ...intentionsNote(settings, pods),
      ...(gate.kind === 'open' ? [`may go to ${gate.to}`] : []),
      ...(gate.kind === 'closed' ? gate.because.map((why) => `not yet ${gate.to}: ${why}`) : []),
    ];
    for (const line of lines) tell(stdout, line);
    return step.kind === 'keep' ? exit.done : exit.changes;
  } finally {
    await view.stop();
  }
}

/** Undefined when Consul or the API server does not tell. */
async function componentLogins(
  settings: SecureSettings,
  client: ApiClient,
  { consul, seen }: SecureView,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const { place, objects } = seen();
  const { token } = objects.bootstrap;
  const { acls, stage, name, namespace } = settings;
  // The last gate needs them.
  if (!acls || stage !== 'prefer' || place === undefined || token === undefined) return undefined;
  const pods = {
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { fieldSelector: `spec.serviceAccountName=${objectNames(name).sync}` },
  };
  const method = aclName(settings, 'k8s-component-auth-method');
  try {
    const logins = await consul.at(place, secret(token)).logins(method, signal);
    const listed = await listPages(client, pods, readRunningSince, signal);
    if (listed.kind === 'failed') return undefined;
    return rolesInUse(
      logins,
      listed.entries.flatMap(({ value }) => value ?? []),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TandemError) return undefined;
    throw error;
  }
}

/** What is allowed in the mesh follows the default policy of the ACLs (Consul, "Service intentions"). */
function intentionsNote(
  { stage, acls }: SecureSettings,
  pods: readonly PodAccess[] | undefined,
): readonly string[] {
  if (stage !== 'prefer' || !acls || pods?.length === 0) return [];
  return ['before require: from then on, only callers that an intention allows can call a service'];
}

type InjectedPodFacts = { readonly access: PodAccess | undefined; readonly name: PodName | undefined };

/** Undefined when they cannot be listed. */
async function injectedPods(
  { podAuthMethod }: SecureSettings,
  client: ApiClient,
  signal: AbortSignal,
): Promise<readonly InjectedPodFacts[] | undefined> {
  // Nothing is injected here.
  if (!podAuthMethod) return [];
  const collection = { path: '/api/v1/pods', query: { labelSelector: `${STATUS}=${INJECTED}` } };
  const read = (raw: unknown): InjectedPodFacts => ({ access: readPodAccess(raw), name: readPodName(raw) });
  const listed = await listPages(client, collection, read, signal);
  return listed.kind === 'failed' ? undefined : listed.entries.flatMap(({ value }) => value ?? []);
}
