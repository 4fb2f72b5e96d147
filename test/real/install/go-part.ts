/** Builds a part from its tools module: a folder whose go.mod and go.sum pin every module and its checksum. */
import { join } from 'node:path';
import type { Part, Source } from '../part-table.ts';
import type { Workbench } from './workbench.ts';

const FLAGS = ['-mod=readonly', '-trimpath', '-buildvcs=false'];

// Without cgo a part needs no C compiler, and resolves names the same way on every machine; a workspace file
// somewhere above the repository must not change the versions.
const ENVIRONMENT = { CGO_ENABLED: '0', GOWORK: 'off' };

/** Leaves the binary in the staging folder. */
export async function buildGoPart(
  part: Part,
  { folder, command, variables }: Extract<Source, { kind: 'go' }>,
  staging: string,
  { partsFolder, run, report }: Workbench,
): Promise<void> {
  const tool = { folder: join(partsFolder, folder), environment: ENVIRONMENT };
  report('modules');
  const listed = await run('go', ['list', ...FLAGS, '-deps', '-f', STALE, command], {
    ...tool,
    isProgress: (line) => line.startsWith('go: downloading '),
  });
  const total = listed.filter(isPackage).length;
  let built = 0;
  await run(
    'go',
    ['build', '-v', ...FLAGS, '-ldflags', linkerFlags(variables), '-o', join(staging, part.name), command],
    {
      ...tool,
      isProgress: (line) => {
        if (!isPackage(line)) return line.startsWith('go: downloading ');
        built += 1;
        report(`${built} of ${total} packages`);
        return true;
      },
    },
  );
}

// Only what the build cache lacks: an interrupted build goes on where it was.
const STALE = '{{if .Stale}}{{.ImportPath}}{{end}}';

/** `-s -w` leaves out symbols and debugging tables, a third of the size. */
export function linkerFlags(variables: Readonly<Record<string, string>>): string {
  return ['-s', '-w', ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

// `go build -v` prints an import path a line; what goes wrong has spaces in it.
function isPackage(line: string): boolean {
  return /^[\w.~/-]+$/.test(line);
}
