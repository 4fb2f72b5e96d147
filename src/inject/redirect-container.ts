/** The container that sees to the redirection of a pod before anything else of it runs, and where it stands. */
import { REDIRECT_ANNOTATION } from '../model/kubernetes-names.ts';
import { formatRedirectOptions } from '../redirection/options.ts';
import { redirectRules } from '../redirection/rules.ts';
import type { JsonObject } from '../support/json.ts';
import { downward, resourceFields, securityContext } from './container-parts.ts';
import { REDIRECT_CONTAINER, REDIRECT_UID } from './names.ts';
import type { MeshPod } from './mesh-pod.ts';
import type { Redirect } from './redirect.ts';
import type { InjectSettings } from './settings.ts';
import type { SidecarPlan } from './sidecar-plan.ts';

/**
 * First, so that nothing runs without its rules. A classic sidecar starts behind all init containers of the author: then
 * last, for they would have no network.
 */
export function withRedirect(plan: SidecarPlan, mesh: MeshPod, settings: InjectSettings): SidecarPlan {
  const { redirect, resources, nativeSidecar } = mesh;
  if (redirect === undefined) return plan;
  const { options, way } = redirect;
  const container = {
    name: REDIRECT_CONTAINER,
    image: settings.redirect.image,
    ...(way === 'init' ? writing(redirect, settings) : waiting(redirect, settings)),
    resources: resourceFields(resources.init),
  };
  return {
    ...plan,
    ...(nativeSidecar
      ? { initContainers: [container, ...plan.initContainers] }
      : { lastInitContainers: [container] }),
    annotations:
      way === 'init'
        ? plan.annotations
        : new Map([...plan.annotations, [REDIRECT_ANNOTATION, formatRedirectOptions(options)]]),
  };
}

// Constant: the rules reach it by environment.
const SCRIPT = `answer=$(printf '%s\\n' "$TANDEM_RULES" | nft -f - 2>&1) && exit 0
echo "tandem: the kernel did not take the rules that redirect the traffic of this pod: $answer" >&2
exit 1
`;

function writing({ options }: Redirect, settings: InjectSettings): JsonObject {
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

/** It ends when it has seen that it is redirected, so its user is none whose traffic passes by. */
function waiting({ options: { uids } }: Redirect, settings: InjectSettings): JsonObject {
  const passing = new Set(uids);
  let user = REDIRECT_UID;
  while (passing.has(user)) user += 1;
  return {
    args: ['redirect-wait'],
    env: downward('NODE_NAME'),
    securityContext: { ...securityContext(settings), runAsUser: user, runAsGroup: user },
  };
}
