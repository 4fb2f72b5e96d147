/** `npm run test:real`, `npm run test:real -- test/real/sync/*.test.ts`: the tests against the real parts. */
import { listenForInterruption } from '../interruption.ts';
import { runFiles, runSuite, type Suite } from '../run-files.ts';

const SUITE: Suite = {
  files: 'test/real/**/*.test.ts',
  longestFirst: [
    'chart/sync-rights',
    'secure/killed',
    'certificates/faults',
    'certificates/rotation',
    'mesh/rolling-restart-dataplane',
    'mesh/rolling-restart-agent',
    'injection/hostile-pods',
    'chart/lifecycle',
    'secure/fresh',
    'registrar/outage',
    'secure/brought',
    'sync/acls',
    'secure/reinstall',
    'check/consul',
    'page/sync',
    'redirection/transparent-pods',
    'registrar/addresses',
    'secure/external',
  ],
  usage: `npm run test:real                                    all files of tests
npm run test:real -- test/real/sync/types.test.ts    these files
`,
};
// For the two cores of a small machine: a file waits for about 60 % of its time.
const AT_ONCE = 5;
const TEST_MILLISECONDS = 300_000;

process.exitCode = await runSuite(SUITE, runAll);

async function runAll(files: readonly string[]): Promise<number> {
  const interruption = listenForInterruption(() => process.stdout.write('interrupted: ending the tests\n'));
  // Here once, and not by the first files at once.
  await import('./harness/tandem-program.ts');
  const { signal } = interruption;
  const passed = await runFiles(files, { atOnce: AT_ONCE, milliseconds: TEST_MILLISECONDS, signal });
  return interruption.code() || (passed ? 0 : 1);
}
