/**
 * `npm run test:cluster`, `npm run test:cluster -- test/cluster/catalog.test.ts`: the tests, in clusters that are there for them
 * alone. With KUBECONFIG set, in the cluster that it names.
 */
import { basename, delimiter } from 'node:path';
import { listenForInterruption } from '../interruption.ts';
import { missingPartsMessage } from '../real/parts.ts';
import { runFiles, runSuite, type Suite } from '../run-files.ts';
import { elapsed } from './harness/elapsed.ts';
import { startClusters } from './harness/several-clusters.ts';
import { missingParts } from './harness/programs.ts';
import { REMOVE_RELEASE } from './harness/release.ts';
import { kernelProblems, machineProblems } from './harness/requirements.ts';

const SUITE: Suite = {
  files: 'test/cluster/**/*.test.ts',
  longestFirst: ['upgrade', 'nodes', 'dataplane-mode', 'transparent-proxy', 'planted-faults', 'agent-mode'],
  usage: `npm run test:cluster                                 all files of tests, in clusters that are there for them alone
npm run test:cluster -- test/cluster/nodes.test.ts   these files
KUBECONFIG=<file> npm run test:cluster               in the cluster that it names
`,
};
/** Each has one file at a time. Most of a file is waiting; more than three would wait for the two cores of a small machine. */
const CLUSTERS = 2;
/** Files that bring up clusters of their own, beside the two. */
const OWN_CLUSTERS = ['left-behind', 'start-failure'];
/** Files that a third cluster has when those have ended. */
const IN_THIRD = ['planted-faults', 'secure', 'catalog', 'builtin-proxy', 'cluster'];
const TEST_MILLISECONDS = 600_000;

const isOwn = (process.env['KUBECONFIG'] ?? '') === '';
const interruption = listenForInterruption(() =>
  process.stdout.write(
    isOwn
      ? 'interrupted: taking the clusters down\n'
      : `interrupted: what the tests have installed may be left. To remove it: ${REMOVE_RELEASE}\n`,
  ),
);

process.exitCode = await runSuite(SUITE, (files) => (isOwn ? inOwnClusters(files) : runTests(files, 1, {})));

function isOneOf(names: readonly string[]): (file: string) => boolean {
  return (file) => names.includes(basename(file, '.test.ts'));
}

async function inOwnClusters(files: readonly string[]): Promise<number> {
  const problem = firstProblem();
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    return 1;
  }
  const own = files.filter(isOneOf(OWN_CLUSTERS));
  const others = files.filter((file) => !own.includes(file));
  const third = others.length > CLUSTERS ? others.filter(isOneOf(IN_THIRD)) : [];
  const first = others.filter((file) => !third.includes(file));
  const beside = async (): Promise<number> => {
    // One after the other: what each looks for is told from the clusters of everybody else.
    const code = await runTests(own, 1, {});
    return Math.max(code, await inClusters(third, 1));
  };
  try {
    return await inClusters(first, CLUSTERS, beside);
  } catch (error) {
    if (interruption.code() > 0) return interruption.code();
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

/**
 * The worst of what they exit with.
 *
 * @param beside what runs once the clusters are up
 */
async function inClusters(
  files: readonly string[],
  most: number,
  beside: () => Promise<number> = () => Promise.resolve(0),
): Promise<number> {
  const count = Math.min(most, files.length);
  const clusters = await startClusters(count, interruption.signal, elapsed(process.stdout));
  const folders = clusters.map(({ folder }) => folder).join(delimiter);
  const tested = async (): Promise<number> => {
    try {
      return await runTests(files, count, { TANDEM_CLUSTERS: folders });
    } finally {
      await Promise.all(clusters.map((cluster) => cluster.end()));
    }
  };
  return Math.max(...(await Promise.all([tested(), beside()])));
}

function firstProblem(): string | undefined {
  const problems = machineProblems();
  if (problems.length > 0) return problems.join('\n');
  const missing = missingParts();
  if (missing.length > 0) return missingPartsMessage(missing);
  return kernelProblems()[0];
}

/**
 * What to exit with.
 *
 * @param environment beside that of this process
 */
async function runTests(
  files: readonly string[],
  atOnce: number,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  if (files.length === 0) return 0;
  const { signal } = interruption;
  const passed = await runFiles(files, { atOnce, milliseconds: TEST_MILLISECONDS, signal, environment });
  return interruption.code() || (passed ? 0 : 1);
}
