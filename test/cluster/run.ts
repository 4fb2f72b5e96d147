/**
 * `npm run test:cluster`, `npm run test:cluster -- test/cluster/catalog.test.ts`: the tests, in clusters that are there for them
 * alone. With KUBECONFIG set, in the cluster that it names.
 */
import { globSync } from 'node:fs';
import { basename, delimiter } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { missingPartsMessage } from '../real/parts.ts';
import { elapsed } from './harness/elapsed.ts';
import { listenForInterruption } from './harness/interruption.ts';
import { startClusters } from './harness/several-clusters.ts';
import { missingParts } from './harness/programs.ts';
import { REMOVE_RELEASE } from './harness/release.ts';
import { kernelProblems, machineProblems } from './harness/requirements.ts';

const FILES = 'test/cluster/**/*.test.ts';
/** Files first that take minutes: one that came last would go on alone. */
const LONGEST_FIRST = [
  'upgrade',
  'nodes',
  'transparent-proxy',
  'planted-faults',
  'agent-mode',
  'dataplane-mode',
];
/** Files that bring up clusters of their own, beside those of the others. */
const OWN_CLUSTERS = ['left-behind', 'start-failure'];
/** Each has one file at a time. Most of a file is waiting; more than two would wait for the two cores of a small machine. */
const CLUSTERS = 2;
const TEST_MILLISECONDS = 600_000;
const USAGE = `npm run test:cluster                                 all files of tests, in clusters that are there for them alone
npm run test:cluster -- test/cluster/nodes.test.ts   these files
KUBECONFIG=<file> npm run test:cluster               in the cluster that it names
`;

const isOwn = (process.env['KUBECONFIG'] ?? '') === '';
const interruption = listenForInterruption(() =>
  process.stdout.write(
    isOwn
      ? 'interrupted: taking the clusters down\n'
      : `interrupted: what the tests have installed may be left. To remove it: ${REMOVE_RELEASE}\n`,
  ),
);

process.exitCode = await main();

async function main(): Promise<number> {
  const request = read(process.argv.slice(2));
  if (request === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (typeof request === 'string') {
    process.stderr.write(`${request}\n\n${USAGE}`);
    return 2;
  }
  return isOwn ? inOwnClusters(request) : runTests(request, 1, {});
}

/** The files that are asked for, or what is wrong with it. */
function read(args: readonly string[]): readonly string[] | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h', default: false } },
    });
    if (values.help) return 'help';
    const patterns = positionals.length > 0 ? positionals : [FILES];
    const nowhere = patterns.find((pattern) => globSync(pattern).length === 0);
    return nowhere === undefined ? longestFirst(globSync(patterns)) : `${nowhere}: no such file`;
  } catch (error) {
    return (error as Error).message;
  }
}

function hasOwnClusters(file: string): boolean {
  return OWN_CLUSTERS.includes(basename(file, '.test.ts'));
}

function longestFirst(files: readonly string[]): readonly string[] {
  const place = (file: string): number => LONGEST_FIRST.toReversed().indexOf(basename(file, '.test.ts'));
  return files.toSorted().toSorted((one, other) => place(other) - place(one));
}

async function inOwnClusters(files: readonly string[]): Promise<number> {
  const problem = firstProblem();
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    return 1;
  }
  const others = files.filter((file) => !hasOwnClusters(file));
  const count = Math.min(CLUSTERS, others.length);
  try {
    const clusters = await startClusters(count, interruption.signal, elapsed(process.stdout));
    const folders = clusters.map(({ folder }) => folder).join(delimiter);
    const codes = await Promise.all([
      runTests(others, count, { TANDEM_CLUSTERS: folders }),
      // One after the other: what each looks for is told from the clusters of everybody else.
      runTests(files.filter(hasOwnClusters), 1, {}),
    ]);
    await Promise.all(clusters.map((cluster) => cluster.end()));
    return Math.max(...codes);
  } catch (error) {
    if (interruption.code() > 0) return interruption.code();
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

function firstProblem(): string | undefined {
  const problems = machineProblems();
  if (problems.length > 0) return problems.join('\n');
  const missing = missingParts();
  if (missing.length > 0) return missingPartsMessage(missing);
  return kernelProblems()[0];
}

/**
 * What to exit with. Node's runner starts so many files at once, tells of one after the other, and counts all.
 *
 * @param environment beside that of this process
 */
async function runTests(
  files: readonly string[],
  atOnce: number,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  if (files.length === 0) return 0;
  let code = 1;
  const events = run({
    files: [...files],
    concurrency: atOnce,
    timeout: TEST_MILLISECONDS,
    signal: interruption.signal,
    env: { ...process.env, ...environment },
  });
  // One for each file, and one of all without a file.
  events.on('test:summary', ({ file, success }) => {
    if (file === undefined && success) code = 0;
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout);
  await finished(report);
  return interruption.code() || code;
}
