/** The commands, each loaded only when it is called: `inject` must not pay for Fastify. */
import type { Flags } from '../config/parse-flags.ts';
import type { Command } from './command.ts';

type Entry = { readonly summary: string; readonly load: () => Promise<Command<Flags>> };

export const commands = {
  dev: {
    summary: 'Run all of it in one process, with no cluster',
    load: async () => (await import('../../dev/run-dev.ts')).devCommand,
  },
  inject: {
    summary: 'Add the sidecar to the pods of manifests, offline',
    load: async () => (await import('./inject-command.ts')).injectCommand,
  },
  uninject: {
    summary: 'Take the sidecar out of manifests again',
    load: async () => (await import('./uninject-command.ts')).uninjectCommand,
  },
  webhook: {
    summary: 'Serve the admission webhook over TLS',
    load: async () => (await import('./webhook-command.ts')).webhookCommand,
  },
  sync: {
    summary: 'Keep the Consul catalog in step with the Services of a cluster',
    load: async () => (await import('./sync-command.ts')).syncCommand,
  },
  plan: {
    summary: 'Show what the sync would change in Consul',
    load: async () => (await import('./plan-command.ts')).planCommand,
  },
  explain: {
    summary: 'Say why a Service is in Consul as it is, or is not',
    load: async () => (await import('./explain-command.ts')).explainCommand,
  },
  review: {
    summary: 'Wrap a pod manifest in an AdmissionReview, to post to the webhook',
    load: async () => (await import('./review-command.ts')).reviewCommand,
  },
  check: {
    summary: 'Say whether Tandem can work here, and how to fix what is wrong',
    load: async () => (await import('./check-command.ts')).checkCommand,
  },
  discover: {
    summary: 'Print the addresses that an auto-join string finds in a cluster, a line each',
    load: async () => (await import('./discover-command.ts')).discoverCommand,
  },
  certs: {
    summary: 'Write a CA and a serving certificate to a folder',
    load: async () => (await import('./certs-command.ts')).certsCommand,
  },
  version: {
    summary: 'Print the version',
    load: async () => (await import('./version-command.ts')).versionCommand,
  },
} as const satisfies Readonly<Record<string, Entry>>;

type CommandName = keyof typeof commands;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}
