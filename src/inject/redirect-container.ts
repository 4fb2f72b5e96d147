/** The container that ensures the redirection of a pod before anything else in it runs, and its position. */
import { REDIRECT_ANNOTATION } from '../model/kubernetes-names.ts';
import { formatRedirectOptions, type RedirectOptions } from '../redirection/options.ts';
import { redirectRules } from '../redirection/rules.ts';
import type { JsonObject } from '../support/json.ts';
import { keptBy } from '../support/kept.ts';
import { shared } from '../support/shared-json.ts';
import { downward, resourceFields, securityContext } from './container-parts.ts';
import { REDIRECT_CONTAINER, REDIRECT_UID } from './names.ts';
import type { MeshPod } from './mesh-pod.ts';
import type { InjectSettings, Resources } from './settings.ts';
import type { SidecarPlan } from './sidecar-plan.ts';

/**
 * First, so that nothing runs without its rules. A classic sidecar starts after all init containers of the author: then it comes
 * last, because they would have no network.
 */
export function withRedirect(plan: SidecarPlan, mesh: MeshPod, settings: InjectSettings): SidecarPlan {
  const { redirect, resources, nativeSidecar } = mesh;
  if (redirect === undefined) return plan;
  const { options } = redirect;
  const optionText = formatRedirectOptions(options);
  const key = optionText + JSON.stringify(resources.init);
  const container = keep(settings, key, () => redirectContainer(options, resources.init, settings));
  return {
    ...plan,
    ...(nativeSidecar
      ? { initContainers: [container, ...plan.initContainers] }
      : { lastInitContainers: [container] }),
    annotations:
      redirect.way === 'init'
        ? plan.annotations
        : new Map([...plan.annotations, [REDIRECT_ANNOTATION, optionText]]),
  };
}

/** Pods with equal options have the same container. Building and serializing it again was a sixth of the cost of such a pod. */
const keep = keptBy<JsonObject>({ prepare: shared });

function redirectContainer(
  options: RedirectOptions,
  resources: Resources,
  settings: InjectSettings,
): JsonObject {
  const { image, way } = settings.redirect;
  return {
    name: REDIRECT_CONTAINER,
    image,
    ...(way === 'init' ? writing(options, settings) : waiting(options, settings)),
    resources: resourceFields(resources),
  };
}

// Constant: the rules reach it through the environment.
const SCRIPT = `answer=$(printf '%s\\n' "$TANDEM_RULES" | nft -f - 2>&1) && exit 0
echo "tandem: the kernel did not take the rules that redirect the traffic of this pod: $answer" >&2
exit 1
`;

function writing(options: RedirectOptions, settings: InjectSettings): JsonObject {
  return {
    command: ['/bin/sh', '-c', SCRIPT],
    env: [{ name: 'TANDEM_RULES', value: redirectRules(options) }],
    securityContext: {
      ...securityContext(settings),
      // A capability does not reach another user than root.
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
    },
  };
}

/** It ends when it sees that it is redirected, so its traffic must not be excluded by its user. */
function waiting({ uids }: RedirectOptions, settings: InjectSettings): JsonObject {
  const passing = new Set(uids);
  let user = REDIRECT_UID;
  while (passing.has(user)) user += 1;
  return {
    args: ['redirect-wait'],
    env: downward('NODE_NAME'),
    securityContext: { ...securityContext(settings), runAsUser: user, runAsGroup: user },
  };
}
