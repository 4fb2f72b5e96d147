/** Installs a part from Debian's own packages, by the apt of this machine. */
import type { Part, Source } from '../part-table.ts';
import type { Workbench } from './workbench.ts';

// Another apt on the machine, such as a daily upgrade, is waited for; a dropped connection is tried again.
const OPTIONS = ['--yes', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];

/** Throws, with the command to run, when this process may not install packages. */
export async function installDebianPart(
  part: Part,
  source: Extract<Source, { kind: 'debian' }>,
  workbench: Workbench,
): Promise<void> {
  if (!workbench.isRoot) {
    throw new Error(
      `${part.name} comes from a Debian package. Run: sudo apt-get install --yes ${source.package}`,
    );
  }
  // An old list names packages that the archive has since replaced.
  await updatePackageLists(workbench);
  workbench.report('packages');
  await runApt(workbench, ['install', '--no-install-recommends', ...OPTIONS, source.package]);
}

/** The site of the Debian mirror that apt of this machine uses, as a URL of one of the schemes, if there is any. */
export async function mirrorOfApt(workbench: Workbench, scheme: RegExp): Promise<string | undefined> {
  // It knows what its sources are only once it has read their lists.
  await updatePackageLists(workbench);
  const indexes = ['indextargets', '--format', '$(SITE)', 'Created-By: Packages', 'Label: Debian'];
  return (await runApt(workbench, indexes)).find((site) => scheme.test(site));
}

async function updatePackageLists(workbench: Workbench): Promise<void> {
  workbench.report('package lists');
  await runApt(workbench, ['update', ...OPTIONS]);
}

function runApt(
  { partsFolder, run }: Workbench,
  aptArguments: readonly string[],
): Promise<readonly string[]> {
  return run('apt-get', aptArguments, {
    folder: partsFolder,
    environment: { DEBIAN_FRONTEND: 'noninteractive' },
    isProgress: () => false,
  });
}
