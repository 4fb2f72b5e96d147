/** The flags of `tandem redirector` and of `tandem redirect-wait`. */
import { kubeconfigFlag, logLevelFlag, listenAddress } from './common-flags.ts';
import { string } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

const NODE_VARIABLE = { variables: ['NODE_NAME'] };

export const redirectWaitFlags = {
  nodeName: string('Name of the node, for the log.', 'NAME', undefined, NODE_VARIABLE),
};

export const redirectorFlags = {
  nodeName: string('Node whose pods are redirected: the one it runs on.', 'NAME', undefined, NODE_VARIABLE),
  ...kubeconfigFlag,
  statusListen: listenAddress('Address of the plain HTTP port: health checks, metrics.', {
    host: '0.0.0.0',
    port: 8081,
  }),
  ...logLevelFlag,
};

export type RedirectorValues = FlagValues<typeof redirectorFlags>;
