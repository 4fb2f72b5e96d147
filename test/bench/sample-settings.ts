/** The settings of the benchmarks: the defaults, in a cluster that has native sidecars. */
import { injectFlags, injectSettings } from '../../src/config/inject-settings.ts';
import { parseFlags } from '../../src/config/parse-flags.ts';

export const sampleSettings = injectSettings(parseFlags(injectFlags, [], {}).values, {
  version: '0.0.0',
  nativeSidecar: true,
  preStopSleep: true,
  ownNamespace: 'tandem',
});
