/** What consul-k8s left behind on custom resources. */
import type { EntryObject } from './entry-object.ts';

/** consul-k8s sets it on every object, and only its controller takes it away. */
export const CONSUL_K8S_FINALIZER = 'finalizers.consul.hashicorp.com';

/** Its author deleted it, but its finalizer remains: the controller that would remove it is gone. */
export function isLeftover({ deletionTimestamp, finalizers }: EntryObject): boolean {
  return deletionTimestamp !== undefined && finalizers.includes(CONSUL_K8S_FINALIZER);
}
