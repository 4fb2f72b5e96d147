/** Access by kubeconfig files, read and merged by the official client. The only importer of it by value. */
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { TandemError } from '../support/errors.ts';
import type { ClusterAccess, Credentials } from './api-client.ts';

/** What the plugins of one kubeconfig returned: like client-go, each plugin runs once for all clients of a process. */
type Shared = {
  config: KubeConfig;
  /** Made from this config. */
  given: WeakSet<Credentials>;
  isRefused: boolean;
  /** Until a plugin has answered, everybody waits for the same run. */
  pending: Promise<Credentials> | undefined;
};

// Less than the patience of a request, so that the next one runs the plugin again, and its error names the one that did not answer.
const PATIENCE = 60_000;

/** By the content of the files. */
const shared = new Map<string, Shared>();

/**
 * @param patience milliseconds after which nobody waits for a run of a plugin any more
 * @throws TandemError TANDEM_KUBECONFIG_INVALID, with the files and the reason
 */
export function kubeconfigAccess(files: readonly string[], patience = PATIENCE): ClusterAccess {
  const config = load(files);
  const { cluster, namespace } = currentOf(config, files);
  const { clusters, users, contexts, currentContext } = config;
  const content = JSON.stringify([clusters, users, contexts, currentContext]);
  const state = shared.get(content) ?? newState(config);
  shared.set(content, state);
  return {
    server: cluster.server,
    namespace,
    credentials: () =>
      (state.pending ??= within(
        patience,
        newCredentials(state, files, cluster.proxyUrl !== undefined),
      ).finally(() => {
        state.pending = undefined;
      })),
    // Many requests may have been refused because of credentials that were replaced meanwhile.
    renew: (refused) => {
      if (state.given.has(refused)) state.isRefused = true;
    },
  };
}

function newState(config: KubeConfig): Shared {
  return { config, given: new WeakSet(), isRefused: false, pending: undefined };
}

async function within<T>(patience: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const text = `the kubeconfig gave no credentials within ${patience} ms; see whether its credential plugin waits for somebody`;
    late.reject(new TandemError('TANDEM_KUBERNETES_UNREACHABLE', text));
  }, patience);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function newCredentials(
  state: Shared,
  files: readonly string[],
  isProxied: boolean,
): Promise<Credentials> {
  // Its credential plugins keep a token until it expires, whatever the server says about it.
  if (state.isRefused) Object.assign(state, newState(load(files)));
  const credentials = await credentialsOf(state.config, isProxied);
  state.given.add(credentials);
  return credentials;
}

function load(files: readonly string[]): KubeConfig {
  try {
    const config = new KubeConfig();
    for (const [index, file] of files.entries()) {
      const each = index === 0 ? config : new KubeConfig();
      each.loadFromFile(file);
      // As in kubectl: the first file that names a current context decides.
      if (each !== config) config.mergeConfig(each, Boolean(config.getCurrentContext()));
    }
    allowPlainHttp(config);
    return config;
  } catch (cause) {
    throw invalid(files, harmless(cause));
  }
}

/** The official client requires a TLS setting even if there is no TLS, as with `kubectl proxy`. */
function allowPlainHttp(config: KubeConfig): void {
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
}

function currentOf(
  config: KubeConfig,
  files: readonly string[],
): { cluster: { server: string; proxyUrl?: string }; namespace: string | undefined } {
  const context = config.getContextObject(config.getCurrentContext());
  if (context === null) throw invalid(files, 'there is no current context');
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw invalid(files, `there is no cluster ${JSON.stringify(context.cluster)}`);
  if (config.getCurrentUser() === null)
    throw invalid(files, `there is no user ${JSON.stringify(context.user)}`);
  if (!/^https?:\/\//.test(cluster.server) || !URL.canParse(cluster.server))
    throw invalid(files, `${JSON.stringify(cluster.server)} is not the URL of a server`);
  return { cluster, namespace: context.namespace };
}

async function credentialsOf(config: KubeConfig, isProxied: boolean): Promise<Credentials> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    const text = `the credentials of the kubeconfig cannot be used: ${harmless(cause)}`;
    throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', text);
  }
  const { ca, cert, key, rejectUnauthorized, servername, auth, agent } = options;
  return {
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      ...(servername === undefined ? {} : { servername }),
    },
    headers: {
      ...(typeof auth !== 'string' ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
      ...headersOf(options),
    },
    proxy: isProxied && typeof agent === 'object' ? agent : undefined,
  };
}

/** A file with a token usually ends with a newline, which no header may contain. */
function headersOf({ headers = {} }: RequestOptions): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value).trim()]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Errors of parsers quote what they could not parse: a token or a key. */
function harmless(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown reason';
  return ['SyntaxError', 'YAMLException'].includes(cause.name) ? 'it cannot be parsed' : cause.message;
}

function invalid(files: readonly string[], reason: string): TandemError {
  return new TandemError('TANDEM_KUBECONFIG_INVALID', `kubeconfig ${files.join(', ')}: ${reason}`);
}
