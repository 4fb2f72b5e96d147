/** The redirector of a node as a process: composes the watch on its pods, the scan of processes, Events and metrics. */
import type { RedirectorValues } from '../config/redirector-flags.ts';
import { listen } from '../http/listen.ts';
import { plainServer } from '../http/plain-server.ts';
import { apiClient } from '../kubernetes/api-client.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { systemClock, systemRuntime } from '../kubernetes/system-clock.ts';
import { watchResource } from '../kubernetes/watch-resource.ts';
import { INJECTED, REDIRECT_ANNOTATION, STATUS } from '../model/kubernetes-names.ts';
import { readPendingPod, type PendingPod } from '../redirection/pending-pod.ts';
import { createProcessScan } from '../redirection/process-scan.ts';
import { createRedirector } from '../redirection/redirector.ts';
import { aborted } from '../support/aborted.ts';
import { createLog, type Log } from '../telemetry/logger.ts';
import { createRedirectorMetrics } from '../telemetry/redirector-metrics.ts';
import { version } from '../version.ts';
import { logRestart } from './log-restart.ts';
import { applyRules } from './apply-rules.ts';
import type { Context } from './context.ts';
import { processEvents } from './process-events.ts';
import { processFiles } from './process-files.ts';

/** Runs until the signal of the context. */
export async function runRedirector(
  { nodeName, kubeconfig, statusListen, logLevel }: RedirectorValues & { readonly nodeName: string },
  { environment, stdout, signal }: Context,
): Promise<void> {
  const log = createLog(stdout, logLevel);
  const metrics = createRedirectorMetrics();
  const client = apiClient(await clusterAccess({ kubeconfig, environment }));
  const events = processEvents<'RedirectionFailed' | 'InvalidAnnotations'>(client, log);
  const files = processFiles();
  const redirector = createRedirector({
    clock: systemClock,
    scan: createProcessScan(files),
    apply: (process, rules) => applyRules(files, process, rules),
    onRedirection: (pod, { pid, start }, outcome) => {
      if (outcome.kind === 'gone') return;
      const seconds = files.uptime() - start;
      if (outcome.kind === 'applied') {
        metrics.applied(seconds);
        log('info', 'the traffic of a pod is redirected', { ...nameOf(pod), pid, seconds });
        return;
      }
      metrics.failed();
      log('warn', 'the traffic of a pod could not be redirected', {
        ...nameOf(pod),
        pid,
        error: outcome.why,
      });
      const message = `The traffic of this pod cannot be redirected on node ${nodeName}, so it waits: ${outcome.why}`;
      events.record(targetOf(pod), 'Warning', 'RedirectionFailed', message);
    },
    onInvalid: (pod, problem) => {
      const message = `The annotation ${REDIRECT_ANNOTATION} cannot be read, so this pod waits: ${problem}. Tandem writes it at admission; recreate the pod`;
      log('warn', 'the annotation of a pod cannot be read', { ...nameOf(pod), error: problem });
      events.record(targetOf(pod), 'Warning', 'InvalidAnnotations', message);
    },
  });
  const pods = watchResource({
    client,
    ...systemRuntime,
    path: '/api/v1/pods',
    query: { labelSelector: `${STATUS}=${INJECTED}`, fieldSelector: `spec.nodeName=${nodeName}` },
    read: readPendingPod,
    onChange: (_key, before, after) => redirector.podChanged(before, after),
    onRestart: (failure) => logRestart(log, failure),
  });
  const server = plainServer({
    isReady: () => pods.status().isSynced,
    metrics: () => {
      metrics.pending(pods.size(), oldest(pods.values(), Date.now()));
      return metrics.text();
    },
    metricsType: metrics.contentType,
  });
  try {
    await serve(server, statusListen, { log, node: nodeName, signal });
  } finally {
    redirector.stop();
    await pods.stop();
    await events.stop();
    server.closeAllConnections();
    server.close();
    client.close();
  }
  log('info', 'stopped');
}

type Serving = { readonly log: Log; readonly node: string; readonly signal: AbortSignal };

async function serve(
  server: ReturnType<typeof plainServer>,
  address: RedirectorValues['statusListen'],
  { log, node, signal }: Serving,
): Promise<void> {
  log('info', 'serving', { status: await listen(server, address), node, version });
  await aborted(signal);
}

function oldest(pods: Iterable<PendingPod>, now: number): number {
  const seconds = [...pods].map(({ waitsSince }) => (now - (waitsSince ?? now)) / 1000);
  return Math.max(0, ...seconds);
}

function nameOf({ namespace, name }: PendingPod) {
  return { namespace, name };
}

function targetOf({ namespace, name, uid }: PendingPod) {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
}
