/** How injected pods get their service names, as far as the registrar has to know. */
import { boolean, oneOf, string } from './flag.ts';
import { serviceNames } from '../inject/settings.ts';
import type { FlagValues } from './parse-flags.ts';

export const namingFlags = {
  podAuthMethod: string(
    'ACL auth method that injected pods use to log in. The registrar then registers a pod only as the service of its ServiceAccount; see --delete-pod-tokens for what the logins leave behind.',
    'NAME',
    undefined,
  ),
  requirePodLogin: boolean(
    'With --pod-auth-method: pods that were injected without a login must be the service of their ServiceAccount, too, or they are not registered. false: they keep their service, while Consul still lets everybody write.',
    true,
  ),
  serviceNames: oneOf(
    'Service name of injected pods without connect-service. Use the same value as for the webhook. auto and service: in dataplane mode, the Kubernetes Service that selects the pod.',
    serviceNames,
    'auto',
  ),
};

export type Naming = {
  /** Pods are called after the Services that select them. */
  readonly namesFollowServices: boolean;
  /** Pods log in to Consul as their ServiceAccounts. */
  readonly podsLogIn: boolean;
  /** Pods that were injected before that keep their names. */
  readonly keepsPlainPods: boolean;
};

/** A pod that logs in is called after its ServiceAccount, which the webhook knows. */
export function namingOf({
  podAuthMethod,
  requirePodLogin,
  serviceNames: rule,
}: FlagValues<typeof namingFlags>): Naming {
  const podsLogIn = podAuthMethod !== undefined;
  const keepsPlainPods = podsLogIn && !requirePodLogin;
  const isByService = rule === 'auto' || rule === 'service';
  return { podsLogIn, keepsPlainPods, namesFollowServices: isByService && (!podsLogIn || keepsPlainPods) };
}
