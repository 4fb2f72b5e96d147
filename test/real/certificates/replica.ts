/**
 * One replica of the webhook as a process, with what no flag offers: lives of seconds, a wrong clock, and a handshake for
 * each admission. Its one argument is a `ReplicaOptions` as JSON.
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { admitEntry } from '../../../src/admission/admit-entry.ts';
import type { RotationTimes } from '../../../src/certificates/next-step.ts';
import { clusterCertificates } from '../../../src/runtime/cluster-certificates.ts';
import { apiClient, type ClusterAccess } from '../../../src/kubernetes/api-client.ts';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import type { LeaseTimes } from '../../../src/kubernetes/election.ts';
import { startWebhook } from '../../integration/webhook/running-webhook.ts';

export type ReplicaOptions = {
  readonly kubeconfig: string;
  /** Of Secret, Lease and webhook configuration. */
  readonly name: string;
  readonly times: RotationTimes;
  readonly leaseTimes: LeaseTimes;
  /** Milliseconds by which its clock is wrong. */
  readonly skew: number;
};

const options = JSON.parse(process.argv[2] ?? '') as ReplicaOptions;
const { kubeconfig, name, skew } = options;

/** What the harness has written there. To load the official client would be half of the start. */
function accessOf(file: string): ClusterAccess {
  const { clusters, users } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly clusters: readonly [{ readonly cluster: Readonly<Record<string, string>> }];
    readonly users: readonly [{ readonly user: Readonly<Record<string, string>> }];
  };
  const [{ cluster }] = clusters;
  const [{ user }] = users;
  const ca = Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64');
  const headers = { authorization: `Bearer ${user['token']}` };
  return {
    server: cluster['server'] ?? '',
    namespace: undefined,
    credentials: () => Promise.resolve({ tls: { ca }, headers, proxy: undefined }),
    renew: () => undefined,
  };
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), ...line })}\n`);
}

// A connection that is kept would need no certificate any more.
subscribe('http.server.request.start', (message) => {
  (message as { readonly response: ServerResponse }).response.setHeader('connection', 'close');
});

const { source, problem, stop } = clusterCertificates({
  ...options,
  open: (mayWrite) => apiClient(accessOf(kubeconfig), undefined, mayWrite),
  secret: { namespace: 'default', name },
  lease: name,
  configuration: name,
  keepsValidating: true,
  identity: `replica-${process.pid}`,
  hosts: ['127.0.0.1'],
  clock: { ...systemClock, now: () => Date.now() + skew },
  random: Math.random,
  onEvent: (event) =>
    say(event.kind === 'step' ? { step: event.step.kind, reason: event.step.reason } : { event }),
});
const running = await startWebhook({
  certificate: source.current,
  certificateProblem: problem,
  admitEntry,
});
source.onEvent(({ kind }) => {
  if (kind === 'changed') running.server.renew();
  say({ certificate: kind });
});
say({ port: running.port, status: running.statusPort });
process.once('SIGTERM', () => {
  void Promise.all([stop(), running.stop()]).then(() => process.exit(0));
});
