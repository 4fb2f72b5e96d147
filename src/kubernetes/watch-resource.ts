/** A resource of the cluster in memory: what is there now, and which keys changed. */
import { listWatch, type ListWatch, type ListWatchHandlers, type ListWatchOptions } from './list-watch.ts';
import { resourceStore, type OnChange, type ResourceStore } from './resource-store.ts';

type WatchResourceOptions<T> = ListWatchOptions<T> &
  Pick<ListWatchHandlers<T>, 'onRestart'> & {
    /** Never called before `watchResource` has returned. */
    readonly onChange: OnChange<T>;
    /** There is a whole list, and its changes were reported. */
    readonly onList?: () => void;
  };

export type ResourceWatch<T> = ListWatch & Pick<ResourceStore<T>, 'get' | 'keys' | 'values' | 'size'>;

/**
 * Starts at once and runs until it is stopped, whatever fails; see `ListWatchStatus` for its state. Nothing is known,
 * and nothing may be concluded from a missing object, before `synced`.
 */
export function watchResource<T>(options: WatchResourceOptions<T>): ResourceWatch<T> {
  const { onChange, onRestart, onList = () => undefined } = options;
  const { get, keys, values, size, replace, apply } = resourceStore(onChange);
  const replaced: typeof replace = (entries, version) => {
    replace(entries, version);
    onList();
  };
  return { ...listWatch(options, { onList: replaced, onEvent: apply, onRestart }), get, keys, values, size };
}
