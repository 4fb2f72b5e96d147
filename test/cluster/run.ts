/**
 * `npm run test:cluster`, `npm run test:cluster -- test/cluster/catalog.test.ts`: the tests, in a cluster that is there for them
 * alone. With KUBECONFIG set, in the cluster that it names.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { missingPartsMessage } from '../real/parts.ts';
import { elapsed } from './harness/elapsed.ts';
import { startCluster } from './harness/keeper-client.ts';
import { missingParts } from './harness/programs.ts';
import { kernelProblems, machineProblems } from './harness/requirements.ts';

const FILES = 'test/cluster/**/*.test.ts';
const FILE_MILLISECONDS = 600_000;
// 128 and the number of the signal, as shells have it.
const INTERRUPTED = { SIGINT: 130, SIGTERM: 143 } as const;

const files = process.argv.slice(2);
const interruption = new AbortController();
let interrupted = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    interrupted = INTERRUPTED[signal];
    interruption.abort();
  });

process.exitCode = (process.env['KUBECONFIG'] ?? '') === '' ? await inOwnCluster() : await runTests({});

async function inOwnCluster(): Promise<number> {
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
    const code = await runTests({ KUBECONFIG: cluster.kubeconfig, TANDEM_CLUSTER: cluster.socket });
    await cluster.end();
    return code;
  } catch (error) {
    if (interrupted > 0) return interrupted;
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
async function runTests(environment: Readonly<Record<string, string>>): Promise<number> {
  const args = ['--test', '--test-concurrency=1', `--test-timeout=${FILE_MILLISECONDS}`];
  const line = [process.execPath, ...args, ...(files.length > 0 ? files : [FILES])];
  // Killed with this process, so that no further file starts without the cluster.
  const tests = spawn('setpriv', ['--pdeathsig', 'KILL', ...line], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  interruption.signal.addEventListener('abort', () => tests.kill());
  const [code] = (await once(tests, 'close')) as [number | null];
  return interrupted > 0 ? interrupted : (code ?? 1);
}
