/** Flags of the commands that run until they are stopped. */
import { integer, oneOf, type Flag } from './flag.ts';
import { listenAddress, type ListenAddress } from './listen-address.ts';
import { logLevels } from '../support/log-level.ts';

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
