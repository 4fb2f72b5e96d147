/** After what injected pods are called in Consul, as the registrar has to know it. */
import { oneOf, string } from './flag.ts';
import { serviceNames } from '../inject/settings.ts';
import type { FlagValues } from './parse-flags.ts';

/** What decides after what a pod is called. */
export const namingFlags = {
  podAuthMethod: string(
    'ACL auth method by which injected pods log in: each may only be the service of its ServiceAccount, and tokens of pods that are gone are deleted.',
    'NAME',
    undefined,
  ),
  serviceNames: oneOf(
    'What names injected pods without connect-service; the same as for the webhook. auto and service: in dataplane mode the Service that selects them.',
    serviceNames,
    'auto',
  ),
};

export type Naming = {
  /** Pods are called after the Services that select them. */
  readonly namesFollowServices: boolean;
  /** Pods log in to Consul as their ServiceAccounts. */
  readonly podsLogIn: boolean;
};

/** A pod that logs in is called after its ServiceAccount, which the webhook knows. */
export function namingOf({ podAuthMethod, serviceNames: rule }: FlagValues<typeof namingFlags>): Naming {
  const podsLogIn = podAuthMethod !== undefined;
  const isByService = rule === 'auto' || rule === 'service';
  return { podsLogIn, namesFollowServices: isByService && !podsLogIn };
}
