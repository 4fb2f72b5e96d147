import type { InjectResult } from './result.ts';
import type { InjectSettings } from './settings.ts';

/** The part of an admission request that the engine reads; the offline injector makes one from a manifest. */
export type InjectRequest = {
  /** `v1/Pod`, or whatever else was sent: `<group>/<version>/<kind>`, the group left out when it is the core group. */
  readonly kind: string;
  readonly operation: string;
  /** The request's namespace: `metadata.namespace` is often empty at admission. */
  readonly namespace: string;
  readonly object: unknown;
};

export function inject(request: InjectRequest, settings: InjectSettings): InjectResult {
  throw new Error(`not yet: ${request.kind} ${settings.version}`);
}
