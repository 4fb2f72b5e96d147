/** One object by its name, kept current by a list and a watch that see nothing else. */
import { property } from '../support/json.ts';
import type { ApiClient } from './api-client.ts';
import type { Clock } from '../support/clock.ts';
import type { WatchFailure } from './watch-failure.ts';
import { watchResource } from './watch-resource.ts';

type OneObjectOptions = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  /** Path of the collection. */
  readonly path: string;
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onChange: () => void;
  readonly onRestart: (failure: WatchFailure) => void;
};

export type OneObject = {
  /** Undefined when it does not exist, and before it is known. */
  readonly current: () => unknown;
  readonly isKnown: () => boolean;
  /** When it resolves, the object is current. */
  readonly refresh: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/**
 * Needs the rights to list and watch the one name: for RBAC a field selector of the name is that name.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
 */
export function oneObject({ path, name, onChange, ...options }: OneObjectOptions): OneObject {
  const watch = watchResource<unknown>({
    ...options,
    path,
    query: { fieldSelector: `metadata.name=${name}` },
    read: (object) => (property(property(object, 'metadata'), 'name') === name ? object : undefined),
    onChange,
  });
  void watch.synced.then(onChange);
  return {
    current: () => [...watch.values()][0],
    isKnown: () => watch.status().isSynced,
    refresh: () => watch.relist(),
    stop: () => watch.stop(),
  };
}
