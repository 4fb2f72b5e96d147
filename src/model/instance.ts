/** One service instance as Consul's catalog holds it: desired and observed. */
import { OWNER_META, SOURCE_META } from './consul-names.ts';

export type Check = {
  readonly id: string;
  readonly name: string;
  readonly status: 'passing' | 'warning' | 'critical';
  readonly output: string;
};

export type Instance = {
  readonly id: string;
  /** Of the service in Consul. */
  readonly name: string;
  /** An IP address or a host name. */
  readonly address: string;
  /** 0: none. */
  readonly port: number;
  readonly tags: readonly string[];
  /** Keys in the order of their code units. */
  readonly meta: Readonly<Record<string, string>>;
  /** `Weights.Passing`; `Weights.Warning` is always written as 1. */
  readonly weight: number;
  /** The readiness check; undefined for instances whose health Kubernetes does not know. */
  readonly check: Check | undefined;
};

/** An instance that Consul has, ours or not. */
export type ObservedInstance = Instance & {
  readonly node: string;
  /** Consul's `Kind`; empty for a plain service. */
  readonly kind: string;
  /** `Weights.Warning`. */
  readonly warningWeight: number;
  /** Checks that someone else put on the instance. */
  readonly otherChecks: readonly Check[];
};

/** `Service/default/web`: the value of `tandem-source`, and the key of everything that is reported on a Service. */
export function sourceOfService(namespace: string, name: string): string {
  return `Service/${namespace}/${name}`;
}

export function ownerOf({ meta }: Instance): string | undefined {
  return meta[OWNER_META];
}

/** Empty for an instance that Tandem did not make. */
export function sourceOf({ meta }: Instance): string {
  return meta[SOURCE_META] ?? '';
}

/**
 * The form in which Consul compares the names of nodes and services and all ids: its state store indexes them in lower
 * case, so that `Web-1` replaces `web-1`, and removing the one removes the other (seen on Consul 1.20.6).
 */
export function indexed(text: string): string {
  return text.toLowerCase();
}

export function isOnNode(instance: ObservedInstance, node: string): boolean {
  return indexed(instance.node) === indexed(node);
}

/** The order of all computed results: by code units, the same on every machine. */
export function byText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
