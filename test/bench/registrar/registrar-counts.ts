/** Counters of the registrar in `/metrics`, since the start of its process. */
import { until, type SyncProcess } from '../sync/sync-process.ts';

export type RegistrarCounts = {
  /** Instances that were registered. */
  readonly registered: number;
  /** Requests that write, of the catalog sync in the same process too. */
  readonly writes: number;
  readonly requests: number;
  /** Seconds since the epoch; 0 before the first. */
  readonly lastSuccess: number;
};

export async function registrarCounts({ sum }: SyncProcess): Promise<RegistrarCounts> {
  const [registered, writes, requests, lastSuccess] = await Promise.all([
    sum(/^tandem_registrar_changes_total\{action="register",result="applied"\} (\S+)$/gm),
    sum(/^tandem_consul_requests_total\{endpoint="(?:transaction|catalog-\w+)".*\} (\S+)$/gm),
    sum(/^tandem_consul_requests_total\{.*\} (\S+)$/gm),
    sum(/^tandem_registrar_last_success_timestamp_seconds (\S+)$/gm),
  ]);
  return { registered, writes, requests, lastSuccess };
}

export async function untilRegistrar(
  sync: SyncProcess,
  isReached: (counts: RegistrarCounts) => boolean,
): Promise<void> {
  await until(sync.process, () => registrarCounts(sync), isReached);
}
