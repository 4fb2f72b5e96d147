/** Flags of several commands that are few enough for each `--help` to describe them. */
import { string, integer, oneOf, type Flag, parsed, type Parsed } from './flag.ts';
import { logLevels } from '../support/log-level.ts';
import { parseWholeNumber } from '../support/text.ts';

export const kubeconfigFlag = {
  kubeconfig: string(
    'Kubeconfig file. Without it: KUBECONFIG, ~/.kube/config, or the service account of the pod.',
    'FILE',
    undefined,
  ),
};

export const leaseNamespaceFlag = {
  leaseNamespace: string('Namespace of the Lease. Default: the namespace of the pod.', 'NAME', undefined, {
    variables: ['POD_NAMESPACE'],
  }),
};

export const logLevelFlag = { logLevel: oneOf('Minimum log level.', logLevels, 'info') };

/** @param host the default of its host */
export function statusListenFlag(host: string): { readonly statusListen: Flag<ListenAddress> } {
  const doc = 'Address of the plain HTTP port: status page at /, /status, health checks, metrics.';
  return { statusListen: listenAddress(doc, { host, port: 8081 }) };
}

/** @param doc for what the seconds are */
export function shutdownDelayFlag(doc: string): { readonly shutdownDelay: Flag<number> } {
  return { shutdownDelay: integer(doc, 'SECONDS', 0, { min: 0, max: 300 }) };
}

export type ListenAddress = { readonly host: string; readonly port: number };

/** The host may be left out, and an IPv6 address stands in brackets. */
export function listenAddress(doc: string, fallback: ListenAddress): Flag<ListenAddress> {
  return parsed(doc, 'HOST:PORT', fallback, parseListenAddress);
}

function parseListenAddress(text: string): Parsed<ListenAddress> {
  const [, bracketed, plain = '', portText = ''] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]+)$/.exec(text) ?? [];
  const port = parseWholeNumber(portText);
  if (port === undefined || port > 65535)
    return { ok: false, expected: 'HOST:PORT, such as 127.0.0.1:8443 or [::]:8443' };
  return { ok: true, value: { host: (bracketed ?? plain) || '0.0.0.0', port } };
}
