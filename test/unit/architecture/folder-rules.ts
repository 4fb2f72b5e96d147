/** Who may import whom: an allow-list, so that a new folder or a new arrow is a decision and not an accident. */

export type FolderRule = {
  /** Folders of src whose files it may import; of its own it may anyway. */
  readonly imports: readonly string[];
  /** No I/O, clock, process, terminal or timer. */
  readonly isPure: boolean;
  /** Parts of Node that this pure folder may use beside PURE_NODE. */
  readonly alsoNode?: readonly string[];
};

/** Computation, not I/O. */
export const PURE_NODE: readonly string[] = ['node:util', 'node:crypto'];

function pure(...imports: readonly string[]): FolderRule {
  return { imports, isPure: true };
}

function edge(...imports: readonly string[]): FolderRule {
  return { imports, isPure: false };
}

const CATALOG = ['catalog', 'catalog/to-consul', 'catalog/to-k8s', 'catalog/connect'];

/** Folder of src → its rule; `.` holds the files of src itself. */
export const folderRules: Readonly<Record<string, FolderRule>> = {
  '.': edge('cli'),
  support: pure(),
  discovery: pure('support'),
  inject: pure('support'),
  'inject/manifests': pure('inject', 'support'),
  admission: pure('inject', 'support'),
  catalog: pure('catalog/to-consul', 'support'),
  'catalog/to-consul': pure('catalog', 'inject', 'support'),
  'catalog/to-k8s': pure('support'),
  'catalog/connect': pure('catalog', 'inject', 'support'),
  config: pure('catalog', 'catalog/to-consul', 'catalog/to-k8s', 'discovery', 'inject', 'support'),
  check: pure('catalog', 'config', 'support'),
  // The planner gives way to other work between Services; that takes no time that a test would wait for.
  controller: { ...pure(...CATALOG, 'inject', 'support'), alsoNode: ['node:timers/promises'] },
  'status-page': pure(...CATALOG, 'inject'),
  certificates: edge('support'),
  embedded: edge('support'),
  telemetry: edge(...CATALOG, 'admission', 'controller', 'inject', 'support'),
  kubernetes: edge('catalog/to-k8s', 'controller', 'support'),
  consul: edge('catalog', 'catalog/connect', 'catalog/to-k8s', 'config', 'controller', 'support'),
  webhook: edge('admission', 'inject', 'status-page', 'support'),
  cli: edge(
    ...CATALOG,
    '.',
    'admission',
    'certificates',
    'check',
    'config',
    'consul',
    'controller',
    'discovery',
    'embedded',
    'inject',
    'inject/manifests',
    'kubernetes',
    'status-page',
    'support',
    'telemetry',
    'webhook',
  ),
  docs: edge('catalog', 'catalog/to-consul', 'cli', 'config', 'inject', 'telemetry'),
};

/** Package → the only folder that may import it by value. */
export const packageOwners: ReadonlyMap<string, string> = new Map([
  ['fastify', 'webhook'],
  ['selfsigned', 'certificates'],
  ['pino', 'telemetry'],
  ['prom-client', 'telemetry'],
  ['@kubernetes/client-node', 'kubernetes'],
  ['undici', 'consul'],
  ['dns-packet', 'embedded'],
]);

/** Files that begin without a kubeconfig: they must not load `@kubernetes/client-node`, which costs half a second and 90 MB. */
export const startLight: readonly string[] = [
  'main.ts',
  'cli/webhook.ts',
  'cli/inject.ts',
  'cli/uninject.ts',
  'cli/review.ts',
  'cli/certs.ts',
  'cli/version.ts',
  'cli/dev.ts',
  'cli/sync.ts',
];
