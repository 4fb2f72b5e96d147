/** The CA of the webhook and its serving certificates: how long they live, and which names they are for. */
import type { KeyPair } from './key-pair.ts';
import { newCa, newLeaf, SERVER_ONLY } from './sign.ts';

const DAY = 24 * 60 * 60 * 1000;
export const CA_DAYS = 365;
export const SERVING_DAYS = 30;

/**
 * @param now start of the life of the CA, in milliseconds since the epoch
 * @param life milliseconds
 */
export function generateCa(now: number, life = CA_DAYS * DAY): KeyPair {
  return newCa({ now, life }, 'Tandem CA');
}

/**
 * @param hosts DNS names and IP addresses that the certificate is for; the first is its common name
 * @param now start of its life, in milliseconds since the epoch
 * @param life milliseconds
 */
export function generateServing(
  ca: KeyPair,
  hosts: readonly string[],
  now: number,
  life = SERVING_DAYS * DAY,
): KeyPair {
  return newLeaf(ca, hosts, { now, life }, SERVER_ONLY);
}

/** https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#services; the first is what the API server asks for. */
export function serviceDnsNames(name: string, namespace: string): readonly string[] {
  const full = `${name}.${namespace}`;
  return [`${full}.svc`, `${full}.svc.cluster.local`, full, name];
}
