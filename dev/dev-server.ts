/** The webhook of `tandem dev`, on TLS, and its plain port, which also tells of the sync. */
import { randomUUID } from 'node:crypto';
import { autoSource } from '../src/certificates/auto-source.ts';
import { validityProblem } from '../src/certificates/key-pair.ts';
import { injectSettings, withDefaults, type injectFlags } from '../src/config/inject-settings.ts';
import type { ListenAddress } from '../src/config/common-flags.ts';
import type { FlagValues } from '../src/config/parse-flags.ts';
import type { Sync } from '../src/controllers/sync-loop.ts';
import { admitPod } from '../src/admission/admit-pod.ts';
import type { FilesStatus, WatchesStatus } from '../src/status-page/status.ts';
import type { Log } from '../src/telemetry/logger.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import type { ControllerMetrics } from '../src/telemetry/controller-metrics.ts';
import type { SyncMetrics } from '../src/telemetry/sync-metrics.ts';
import { version } from '../src/version.ts';
import { webhook } from '../src/http/webhook.ts';
import { admissionLog } from '../src/reporting/admission-log.ts';
import type { ChangeSignal } from '../src/reporting/change-signal.ts';
import type { ToConsulReporter } from '../src/reporting/to-consul-reporter.ts';
import { measureToConsul, toConsulStatus } from '../src/reporting/to-consul-status.ts';
import { admissionRecord, webhookStatus } from '../src/reporting/webhook-status.ts';
import { LOOPBACK } from './dev-flags.ts';

type DevServer = {
  readonly values: FlagValues<typeof injectFlags> & {
    readonly listen: ListenAddress;
    readonly statusListen: ListenAddress;
    readonly tlsDir: string;
  };
  readonly log: Log;
  readonly syncMetrics: SyncMetrics;
  readonly controllerMetrics: ControllerMetrics;
  readonly owner: string;
  readonly node: string;
  readonly sync: Sync;
  readonly reporter: ToConsulReporter;
  readonly changes: ChangeSignal;
  readonly watches: () => WatchesStatus;
  /** Undefined when a cluster is watched. */
  readonly files: () => FilesStatus | undefined;
  readonly atEnd: (end: () => unknown) => void;
};

/** Listens; the answer is where. */
export async function openDevServer(
  server: DevServer,
): Promise<{ readonly tls: string; readonly status: string }> {
  const {
    values,
    log,
    syncMetrics,
    controllerMetrics,
    owner,
    node,
    sync,
    reporter,
    changes,
    watches,
    files,
    atEnd,
  } = server;
  const { changed, onChange } = changes;
  const metrics = createMetrics();
  const hosts = ['localhost', LOOPBACK, '::1'];
  const certificates = await autoSource({ hosts, folder: values.tlsDir, now: Date.now });
  atEnd(() => certificates.close());
  const settings = injectSettings(values, {
    version,
    nativeSidecar: true,
    preStopSleep: true,
    ownNamespace: undefined,
    owner,
  });
  const admissions = admissionRecord(Date.now);
  const certificateProblem = (): string | undefined => validityProblem(certificates.current(), Date.now());
  const requests = admissionLog(log, metrics, Date.now);
  const running = webhook({
    inject: (request, defaults) => admitPod(request, withDefaults(settings, defaults)),
    onAdmission: (outcome) => {
      requests.admission(outcome);
      admissions.add(outcome);
      changed();
    },
    onRefusal: requests.refusal,
    newErrorId: randomUUID,
    title: 'Tandem dev',
    version,
    status: () => ({
      process: { owner, node, leader: true, dryRun: false },
      controllers: [toConsulStatus(sync, reporter.state(), watches())],
      files: files(),
      webhook: webhookStatus(certificates.current(), certificateProblem(), admissions),
    }),
    onStatusChange: onChange,
    metrics: async () => {
      measureToConsul(sync, controllerMetrics);
      return (await metrics.text()) + (await syncMetrics.text());
    },
    metricsType: metrics.contentType,
    certificate: certificates.current,
    certificateProblem,
  });
  certificates.onEvent(() => {
    running.renew();
    changed();
  });
  const addresses = await running.listen(values.listen, values.statusListen);
  atEnd(() => running.stop(0));
  return addresses;
}
