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

const DIRECTIONS = ['catalog/to-consul', 'catalog/to-kubernetes', 'catalog/mesh', 'catalog/config-entries'];
const EDGES = ['certificates', 'consul', 'kubernetes', 'telemetry'];

/** Folder of src → its rule; `.` holds the files of src itself, `dev` lies beside it. */
export const folderRules: Readonly<Record<string, FolderRule>> = {
  '.': edge('cli'),
  support: pure(),
  model: pure('support'),
  discovery: pure('model', 'support'),
  redirection: pure('model', 'support'),
  inject: pure('model', 'redirection', 'support'),
  manifests: pure('inject', 'model', 'support'),
  admission: pure('catalog/config-entries', 'inject', 'model', 'support'),
  'catalog/to-consul': pure('model', 'support'),
  'catalog/to-kubernetes': pure('model', 'support'),
  'catalog/mesh': pure('catalog/to-consul', 'inject', 'model', 'redirection', 'support'),
  'catalog/config-entries': pure('model', 'support'),
  secure: pure('inject', 'model', 'support'),
  config: pure('catalog/to-consul', 'catalog/to-kubernetes', 'discovery', 'inject', 'secure', 'support'),
  check: pure('catalog/config-entries', 'catalog/to-consul', 'config', 'model', 'support'),
  reconcile: pure('support'),
  // The planner gives way to other work between Services; that takes no time that a test would wait for.
  controllers: {
    ...pure(...DIRECTIONS, 'inject', 'model', 'reconcile', 'secure', 'support'),
    alsoNode: ['node:timers/promises'],
  },
  'status-page': pure(...DIRECTIONS, 'admission', 'inject', 'model', 'support'),
  'status-page/browser': pure('status-page'),
  certificates: edge('support'),
  telemetry: edge(
    'admission',
    'catalog/config-entries',
    'catalog/mesh',
    'catalog/to-kubernetes',
    'controllers',
    'inject',
    'model',
    'secure',
    'support',
  ),
  kubernetes: edge('catalog/config-entries', 'catalog/to-kubernetes', 'controllers', 'model', 'support'),
  consul: edge(
    'catalog/config-entries',
    'catalog/mesh',
    'catalog/to-kubernetes',
    'config',
    'controllers',
    'model',
    'secure',
    'support',
  ),
  http: edge('admission', 'inject', 'status-page', 'support'),
  reporting: edge(
    ...DIRECTIONS,
    'admission',
    'certificates',
    'controllers',
    'http',
    'inject',
    'model',
    'reconcile',
    'secure',
    'status-page',
    'support',
    'telemetry',
  ),
  runtime: edge(
    ...DIRECTIONS,
    'catalog/config-entries',
    ...EDGES,
    '.',
    'admission',
    'check',
    'config',
    'controllers',
    'discovery',
    'http',
    'inject',
    'manifests',
    'model',
    'reconcile',
    'redirection',
    'reporting',
    'secure',
    'status-page',
    'support',
  ),
  cli: edge(
    'catalog/config-entries',
    'catalog/to-consul',
    'catalog/mesh',
    '.',
    'check',
    'config',
    'controllers',
    'dev',
    'discovery',
    'inject',
    'manifests',
    'model',
    'runtime',
    'support',
  ),
  docs: edge(
    'catalog/config-entries',
    'catalog/to-consul',
    'cli',
    'config',
    'inject',
    'model',
    'runtime',
    'telemetry',
  ),
  dev: edge(
    ...EDGES,
    'admission',
    'catalog/config-entries',
    '.',
    'config',
    'controllers',
    'dev/embedded',
    'http',
    'reporting',
    'runtime',
    'status-page',
    'support',
  ),
  'dev/embedded': edge('support'),
};

/** Package → the only folder that may import it by value. */
export const packageOwners: ReadonlyMap<string, string> = new Map([
  ['fastify', 'http'],
  ['selfsigned', 'certificates'],
  ['pino', 'telemetry'],
  ['prom-client', 'telemetry'],
  ['@kubernetes/client-node', 'kubernetes'],
  ['undici', 'consul'],
  ['dns-packet', 'dev/embedded'],
]);

/** Files that begin without a kubeconfig: they must not load `@kubernetes/client-node`, which costs half a second and 90 MB. */
export const startLight: readonly string[] = [
  'main.ts',
  'cli/webhook-command.ts',
  'cli/inject-command.ts',
  'cli/uninject-command.ts',
  'cli/review-command.ts',
  'cli/config-command.ts',
  'cli/certs-command.ts',
  'cli/version-command.ts',
  'cli/dev-command.ts',
  'cli/sync-command.ts',
  'cli/redirector-command.ts',
  'cli/redirect-wait-command.ts',
];
