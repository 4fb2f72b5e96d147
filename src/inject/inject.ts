/** The engine: one pure function for the webhook and the offline injector. */
import type { Problem } from '../model/problem.ts';
import { isObject, property } from '../support/json.ts';
import { sidecarsOf, type RegisteredSidecar } from './sidecar.ts';
import type { SidecarPlan } from './sidecar-plan.ts';
import { agentMode } from './agent-mode.ts';
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import { dataplaneMode } from './dataplane-mode.ts';
import { decide, type InjectRequest } from './decide.ts';
import { labelsInstead, labelsOfConsulK8s } from './misplaced.ts';
import { RESERVED_CONTAINERS, RESERVED_VOLUMES } from './names.ts';
import { readMeshPod, type MeshPod } from './mesh-pod.ts';
import { applied } from './pod-edit.ts';
import { tooManyVariables } from './variables.ts';
import { readPod, type Pod, type ReadPod } from './pod.ts';
import { withRedirect } from './redirect-container.ts';
import { registrationOf, registrationTooLarge } from './registration-variable.ts';
import { toldWarnings, type InjectResult, type Warning } from './result.ts';
import type { InjectSettings } from './settings.ts';
import { editsOf } from './sidecar-edits.ts';

type Injected = Exclude<InjectResult, { readonly kind: 'skip' }>;

/**
 * Decides about a pod and builds its patch. Does no I/O, throws on no input, and gives equal bytes for equal input.
 * All problems of a pod come in one answer.
 */
export function inject(request: InjectRequest, settings: InjectSettings): InjectResult {
  const read = readRequest(request, settings);
  return read.kind === 'pod' ? injectPod(read.pod, settings) : read;
}

/** The answer if it does not depend on the pod's annotations, else the pod. */
export function readRequest(
  request: InjectRequest,
  settings: InjectSettings,
): Exclude<InjectResult, { readonly kind: 'inject' }> | { readonly kind: 'pod'; readonly pod: Pod } {
  const decision = decide(request, settings);
  if (decision.kind === 'skip') return decision;
  const read = readObject(request);
  if (decision.kind === 'inject')
    return read.ok
      ? { kind: 'pod', pod: read.pod }
      : { kind: 'invalid', problems: read.problems, warnings: [] };
  const result = read.ok ? injectPod(read.pod, settings) : { ...read, warnings: [] };
  const others = 'problems' in result ? result.problems : [];
  return { kind: 'invalid', problems: [decision.problem, ...others], warnings: result.warnings };
}

function readObject({ object, namespace }: InjectRequest): ReadPod {
  const tooMuch = tooManyAnnotations(object);
  return tooMuch === undefined ? readPod(object, namespace) : { ok: false, problems: [tooMuch] };
}

// Kubernetes takes no more of any object (k8s.io/apimachinery, api/validation, TotalAnnotationSizeLimitB), and says so only
// after admission.
const ANNOTATIONS_LIMIT = 256 * 1024;

/** Not read any further: so much text could cost a second, and can never be stored. */
function tooManyAnnotations(pod: unknown): Problem | undefined {
  const annotations = property(property(pod, 'metadata'), 'annotations');
  if (!isObject(annotations)) return undefined;
  let size = 0;
  for (const [name, value] of Object.entries(annotations))
    size += name.length + (typeof value === 'string' ? value.length : 0);
  if (size <= ANNOTATIONS_LIMIT) return undefined;
  return {
    at: 'metadata.annotations',
    message: `names and values have ${size} characters; Kubernetes takes ${ANNOTATIONS_LIMIT} bytes`,
  };
}

/** Everything that the result depends on is in what was read of the pod, and in the settings. */
export function injectPod(pod: Pod, settings: InjectSettings): Injected {
  const read = readMeshPod(pod, settings);
  const warnings = [
    ...read.warnings,
    ...labelsInstead({ annotations: pod.annotations, labels: pod.labels }),
    ...labelsOfConsulK8s(pod.labels),
  ];
  const problems = podProblems(pod, settings.sidecarUser);
  if (!read.ok) return { kind: 'invalid', problems: [...read.problems, ...problems], warnings };
  const { mesh } = read;
  const sidecars = sidecarsOf(mesh).map((each) => ({
    ...each,
    registration: registrationOf(mesh, each, settings),
  }));
  const bounds = [
    ...sidecars.map(({ registration }) => registrationTooLarge(registration)),
    tooManyVariables(pod, mesh.variables),
  ];
  problems.unshift(...bounds.filter((each) => each !== undefined));
  if (problems.length > 0) return { kind: 'invalid', problems, warnings };
  const told = [...warnings, ...keptVariables(pod, mesh)];
  const plan = planOf(mesh, sidecars, settings);
  const edits = editsOf(pod, mesh, plan, settings.version, toldWarnings(told));
  return { kind: 'inject', patch: applied(edits), warnings: told };
}

function planOf(
  mesh: MeshPod,
  sidecars: readonly RegisteredSidecar[],
  settings: InjectSettings,
): SidecarPlan {
  const plan =
    settings.mode === 'dataplane'
      ? dataplaneMode(mesh, sidecars, settings)
      : agentMode(mesh, sidecars, settings);
  return withRedirect(plan, mesh, settings);
}

/** What in the pod itself, not in its annotations, prevents a sidecar. */
function podProblems(pod: Pod, sidecarUser: number | undefined): Problem[] {
  const containers = [...pod.initContainers, ...pod.containers];
  const isSidecar = (user: unknown): boolean => sidecarUser !== undefined && user === sidecarUser;
  const asSidecar = [
    ...(isSidecar(pod.runAsUser) ? ['spec.securityContext.runAsUser'] : []),
    ...containers
      .filter(({ runAsUser }) => isSidecar(runAsUser))
      .map(({ name }) => `securityContext.runAsUser of the container ${JSON.stringify(name)}`),
  ];
  return [
    ...containers
      .filter(({ name }) => RESERVED_CONTAINERS.has(name))
      .map(({ name }) => ({
        at: 'spec',
        message: `the container name ${JSON.stringify(name)} is reserved for Tandem`,
      })),
    ...[...new Set(pod.volumes)]
      .filter((name) => RESERVED_VOLUMES.has(name))
      .map((name) => ({
        at: 'spec.volumes',
        message: `the volume name ${JSON.stringify(name)} is reserved for Tandem`,
      })),
    ...asSidecar.map((at) => ({
      at,
      message: `is ${sidecarUser}, the user of the sidecar, whose secrets the pod could read`,
    })),
  ];
}

function keptVariables(pod: Pod, { variables: added }: MeshPod): Warning[] {
  const authors = [...pod.initContainers, ...pod.containers]
    .filter(({ likeUpstreams }) => likeUpstreams.length > 0)
    .map((container) => ({ name: container.name, variables: new Set(container.likeUpstreams) }));
  if (authors.length === 0) return [];
  return added.flatMap(({ name }) => {
    const containers = authors
      .filter(({ variables }) => variables.has(name))
      .map((container) => container.name);
    if (containers.length === 0) return [];
    return [
      {
        reason: 'kept-variable',
        at: `${ANNOTATION_PREFIX}connect-service-upstreams`,
        message: `${name} is already set in ${containers.join(', ')} and stays as it is`,
      },
    ];
  });
}
