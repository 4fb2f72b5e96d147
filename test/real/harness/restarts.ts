/** A container that is started again whenever it ends, as `restartPolicy: Always` says. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningProcess } from './processes.ts';

export type KeptProcess = { readonly current: () => RunningProcess };

export async function keepRunning(
  start: () => Promise<RunningProcess>,
  isStopping: () => boolean,
): Promise<KeptProcess> {
  let current = await start();
  const goOn = async (): Promise<void> => {
    for (let restarts = 1; ; restarts += 1) {
      await current.exited;
      if (isStopping()) return;
      await delay(backOff(restarts), undefined, { ref: false });
      if (isStopping()) return;
      current = await start();
    }
  };
  void goOn();
  return { current: () => current };
}

/**
 * Milliseconds: at the first end only until the kubelet has seen it (it looks every second), then 10 s, 20 s, up to 5 min.
 * Source: kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle, "Container restarts"; pkg/kubelet/kubelet.go.
 */
export function backOff(restarts: number): number {
  return restarts === 1 ? 1000 : Math.min(10_000 * 2 ** (restarts - 2), 300_000);
}
