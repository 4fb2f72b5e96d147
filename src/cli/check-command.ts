/** `tandem check`: can Tandem work here, and how to fix what is wrong. */
import { clusterFindings, type ClusterFacts } from '../check/cluster-findings.ts';
import { consulFindings } from '../check/consul-findings.ts';
import { parseQuantity } from '../inject/quantity.ts';
import { findingLines, findingsJson, worst, type Probe } from '../check/finding.ts';
import type { SidecarLimits } from '../check/mesh-findings.ts';
import { checkFlagProblems, checkFlags, type CheckValues } from '../config/check-flags.ts';
import { exit } from '../runtime/context.ts';
import { gatherFacts } from '../runtime/gather-facts.ts';
import { command } from './command.ts';

export const checkCommand = command({
  operands: '',
  flags: checkFlags,
  examples: [
    'tandem check --kubeconfig=~/.kube/config --consul-http-addr=consul:8500',
    'tandem check --account=sync --registrar --proxy-mode=dataplane --to-k8s --k8s-write-namespace=from-consul',
    'tandem check --output=json',
  ],
  check: checkFlagProblems,
  run: async (values, _positionals, context) => {
    const { cluster, consul } = await gatherFacts(values, context);
    const findings = [
      ...clusterFindings(cluster, Date.now()),
      ...(consul === undefined ? [] : consulFindings(consul, sidecarLimits(values, cluster))),
    ];
    context.stdout.write(values.output === 'json' ? findingsJson(findings) : findingLines(findings));
    return worst(findings) === 'failure' ? exit.internal : exit.done;
  },
});

function sidecarLimits(
  { sidecarProxyMemoryLimit }: CheckValues,
  cluster: Probe<ClusterFacts>,
): SidecarLimits | undefined {
  const ofPods = cluster.kind === 'seen' ? cluster.value.redirection?.limits : undefined;
  return ofPods && { ofPods, byDefault: parseQuantity(sidecarProxyMemoryLimit ?? '') };
}
