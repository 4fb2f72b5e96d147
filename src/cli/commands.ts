/** The commands with their names and summaries, each loaded only when it is called: `inject` must not pay for Fastify. */
import type { Flags } from '../config/parse-flags.ts';
import type { Command } from './command.ts';

type Entry = {
  /** One line without a full stop, for the list of commands, the help of the command, and docs/flags.md. */
  readonly summary: string;
  readonly load: () => Promise<Command<Flags>>;
  /** It serves until a signal, and takes the time that it needs to end. */
  readonly serves?: true;
};

export const commands = {
  dev: {
    summary: 'Run everything in one process, without a cluster',
    load: async () => (await import('./dev-command.ts')).devCommand,
    serves: true,
  },
  inject: {
    summary: 'Add the sidecar to the pods in manifests, offline',
    load: async () => (await import('./inject-command.ts')).injectCommand,
  },
  uninject: {
    summary: 'Remove the sidecar from the pods in manifests',
    load: async () => (await import('./uninject-command.ts')).uninjectCommand,
  },
  config: {
    summary: 'Check config entries in manifests, offline',
    load: async () => (await import('./config-command.ts')).configCommand,
  },
  webhook: {
    summary: 'Serve the admission webhook over TLS',
    load: async () => (await import('./webhook-command.ts')).webhookCommand,
    serves: true,
  },
  sync: {
    summary: 'Sync services between a cluster and Consul',
    load: async () => (await import('./sync-command.ts')).syncCommand,
    serves: true,
  },
  secure: {
    summary: 'Make and rotate the keys, certificates and ACLs of Consul',
    load: async () => (await import('./secure-command.ts')).secureCommand,
    serves: true,
  },
  redirector: {
    summary: 'Redirect the traffic of transparent pods, on the node that it runs on',
    load: async () => (await import('./redirector-command.ts')).redirectorCommand,
    serves: true,
  },
  'redirect-wait': {
    summary: 'Wait inside a pod until its traffic is redirected',
    load: async () => (await import('./redirect-wait-command.ts')).redirectWaitCommand,
  },
  plan: {
    summary: 'Show what the sync would change in Consul; exit code 3 if anything would',
    load: async () => (await import('./plan-command.ts')).planCommand,
  },
  explain: {
    summary: 'Explain why a Service or pod is in Consul, or why it is not',
    load: async () => (await import('./explain-command.ts')).explainCommand,
  },
  review: {
    summary: 'Wrap a pod manifest in an AdmissionReview that you can post to the webhook',
    load: async () => (await import('./review-command.ts')).reviewCommand,
  },
  check: {
    summary: 'Check that Tandem can work here, and say how to fix what is wrong',
    load: async () => (await import('./check-command.ts')).checkCommand,
  },
  discover: {
    summary: 'Print the addresses that an auto-join string finds in a cluster, one per line',
    load: async () => (await import('./discover-command.ts')).discoverCommand,
  },
  certs: {
    summary: 'Write a CA and a serving certificate to a folder or a Secret',
    load: async () => (await import('./certs-command.ts')).certsCommand,
  },
  version: {
    summary: 'Print the version',
    load: async () => (await import('./version-command.ts')).versionCommand,
  },
} as const satisfies Readonly<Record<string, Entry>>;

export type CommandName = keyof typeof commands;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

/** Whether the words name a command that serves until a signal. */
export function isServing([name = '']: readonly string[]): boolean {
  const entry: Entry | undefined = isCommandName(name) ? commands[name] : undefined;
  return entry?.serves === true;
}
