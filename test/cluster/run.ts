/**
 * `npm run test:cluster`, `npm run test:cluster -- test/cluster/catalog.test.ts`: the tests, in a cluster that is there for them
 * alone. With KUBECONFIG set, in the cluster that it names.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { missingPartsMessage } from '../real/parts.ts';
import { elapsed } from './harness/elapsed.ts';
import { listenForInterruption } from './harness/interruption.ts';
import { startCluster } from './harness/keeper-client.ts';
import { missingParts } from './harness/programs.ts';
import { REMOVE_RELEASE } from './harness/release.ts';
import { kernelProblems, machineProblems } from './harness/requirements.ts';

const FILES = 'test/cluster/**/*.test.ts';
const FILE_MILLISECONDS = 600_000;
const USAGE = `npm run test:cluster                                 all files of tests, in a cluster that is there for them alone
npm run test:cluster -- test/cluster/nodes.test.ts   these files
KUBECONFIG=<file> npm run test:cluster               in the cluster that it names
`;

const isOwn = (process.env['KUBECONFIG'] ?? '') === '';
const interruption = listenForInterruption(() =>
  process.stdout.write(
    isOwn
      ? 'interrupted: taking the cluster down\n'
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
  return isOwn ? inOwnCluster(request) : runTests(request, {});
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
    const nowhere = positionals.find((pattern) => globSync(pattern).length === 0);
    return nowhere === undefined ? positionals : `${nowhere}: no such file`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function inOwnCluster(files: readonly string[]): Promise<number> {
  const problem = firstProblem();
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    return 1;
  }
  const say = elapsed(process.stdout);
  try {
    const { signal } = interruption;
    const cluster = await startCluster({ signal, onProgress: say });
    say(`the cluster is up: export KUBECONFIG=${cluster.kubeconfig}`);
    const code = await runTests(files, { KUBECONFIG: cluster.kubeconfig, TANDEM_CLUSTER: cluster.socket });
    await cluster.end();
    return code;
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

/** The code of the test runner. Files one after the other: each has the cluster for itself. */
async function runTests(
  files: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const args = ['--test', '--test-concurrency=1', `--test-timeout=${FILE_MILLISECONDS}`];
  const line = [process.execPath, ...args, ...(files.length > 0 ? files : [FILES])];
  // Killed with this process, so that no further file starts without the cluster.
  const tests = spawn('setpriv', ['--pdeathsig', 'KILL', ...line], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  interruption.signal.addEventListener('abort', () => tests.kill());
  const [code] = (await once(tests, 'close')) as [number | null];
  return interruption.code() || (code ?? 1);
}
