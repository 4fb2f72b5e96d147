/** What an agent gets again of a pod whose registration it has lost: what the init container of the pod gave it. */
import { ALIAS_CHECK, LISTENER_CHECK } from '../../inject/registration.ts';
import { INBOUND_PORT } from '../../inject/names.ts';
import { hostAndPort } from '../../support/ip-address.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import { decidePod } from './decide-pod.ts';
import { proxyDefinition } from './proxy.ts';
import { sourceOfPod, type InjectedPod } from './registered-pod.ts';
import { instancesOf } from './pod-registration.ts';

export type AgentRegistration = {
  /** `Pod/<namespace>/<name>`. */
  readonly source: string;
  readonly uid: string;
  readonly id: string;
  /** Body of `PUT /v1/agent/service/register`. */
  readonly definition: Readonly<Record<string, unknown>>;
};

/**
 * Service and proxy, in this order; empty for a pod that still registers itself, or has ended. Readiness is no part of it: that
 * is mirrored into a check of its own.
 */
export function agentRegistrationsOf(pod: InjectedPod, cluster: MeshCluster): readonly AgentRegistration[] {
  const isWanted = decidePod(pod, cluster) === 'agent-mode' && pod.stage === 'alive' && pod.isInitialized;
  if (!isWanted || pod.podIp === undefined) return [];
  return instancesOf(pod, cluster).map(({ id, name, address, port, tags, meta, proxy }) => ({
    source: sourceOfPod(pod),
    uid: pod.uid,
    id,
    definition: {
      ID: id,
      Name: name,
      Address: address,
      Port: port,
      Tags: tags,
      Meta: meta,
      ...(proxy === undefined
        ? {}
        : {
            Kind: 'connect-proxy',
            Proxy: proxyDefinition(proxy),
            Checks: checksOf(address, proxy.destinationId),
          }),
    },
  }));
}

function checksOf(address: string, destination: string): readonly object[] {
  return [
    {
      Name: LISTENER_CHECK.name,
      TCP: hostAndPort(address, INBOUND_PORT),
      Interval: LISTENER_CHECK.interval,
      DeregisterCriticalServiceAfter: LISTENER_CHECK.reapedAfter,
    },
    { Name: ALIAS_CHECK, AliasService: destination },
  ];
}
