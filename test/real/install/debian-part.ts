/** Installs a part from Debian's own packages. */
import { userInfo } from 'node:os';
import type { Part, Source } from '../part-table.ts';
import type { Workbench } from './workbench.ts';

// Another apt on the machine, such as a daily upgrade, is waited for; a dropped connection is tried again.
const OPTIONS = ['--yes', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];

/** Throws, with the command to run, when this process may not install packages. */
export async function installDebianPart(
  part: Part,
  source: Extract<Source, { kind: 'debian' }>,
  { partsFolder, run, report }: Workbench,
): Promise<void> {
  if (userInfo().uid !== 0) {
    throw new Error(
      `${part.name} comes from a Debian package. Run: sudo apt-get install --yes ${source.package}`,
    );
  }
  const tool = {
    folder: partsFolder,
    environment: { DEBIAN_FRONTEND: 'noninteractive' },
    isProgress: () => false,
  };
  // An old list names packages that the archive has since replaced.
  report('package lists');
  await run('apt-get', ['update', ...OPTIONS], tool);
  report('packages');
  await run('apt-get', ['install', '--no-install-recommends', ...OPTIONS, source.package], tool);
}
