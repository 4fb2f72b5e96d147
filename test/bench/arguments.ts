/** What `npm run bench` is asked for. */
import { parseArgs } from 'node:util';

/** What can be measured alone. */
export const PARTS = [
  'engine',
  'webhook',
  'sync',
  'registrar',
  'to-k8s',
  'config-entries',
  'redirection',
  'cluster',
] as const;
export type Part = (typeof PARTS)[number];

export const USAGE = `npm run bench                       one line per figure; machines are noisy: compare ratios, not times
npm run bench -- --short            the same in less time, with fewer samples
npm run bench -- --only=<part>      one part: ${PARTS.join(', ')}

cluster runs only when it is asked for: it needs a cluster that KUBECONFIG names, and installs Tandem there.
`;

type Request = {
  readonly help: boolean;
  readonly short: boolean;
  /** Undefined: every part but the cluster. */
  readonly only: Part | undefined;
};

/** What is asked for, or what is wrong with it. */
export function readArguments(args: readonly string[]): Request | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        short: { type: 'boolean', default: false },
        only: { type: 'string' },
      },
    });
    const only = PARTS.find((part) => part === values.only);
    if (values.only !== undefined && only === undefined) return `--only=${values.only}: no such part`;
    return { help: values.help, short: values.short, only };
  } catch (error) {
    return (error as Error).message;
  }
}
