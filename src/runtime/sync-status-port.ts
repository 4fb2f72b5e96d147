/** The plain port of `tandem sync`: health, metrics, and the page and `/status` of all directions. */
import { openStatusPort, type StatusPort } from '../http/status-port.ts';
import { version } from '../version.ts';
import type { SyncPart, SyncStage } from './sync-stage.ts';

/**
 * Listens; returns the address, and a function that closes it.
 *
 * @param onChange calls the listener after a change of the status, until the returned function is called
 */
export function openSyncStatus(
  { values, options, metrics, owner }: SyncStage,
  parts: readonly SyncPart[],
  isLeader: () => boolean,
  onChange: (listener: () => void) => () => void,
): Promise<StatusPort> {
  const { node, dryRun } = options;
  return openStatusPort(
    {
      title: 'Tandem sync',
      version,
      notReady: () =>
        parts.every(({ isSynced }) => isSynced()) ? undefined : 'the cluster is not listed yet',
      metrics: () => {
        metrics.leader(isLeader());
        for (const { measure } of parts) measure?.();
        return metrics.text();
      },
      metricsType: metrics.contentType,
      status: () => ({
        process: { owner, node, leader: isLeader(), dryRun },
        controllers: parts.flatMap(({ status }) => status()),
        webhook: undefined,
      }),
      onStatusChange: onChange,
    },
    values.statusListen,
  );
}
