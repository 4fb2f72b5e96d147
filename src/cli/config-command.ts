/** `tandem config`: the validation of config entries without a cluster and without Consul. */
import { oneOf } from '../config/flag.ts';
import { toConsulEntry } from '../catalog/config-entries/to-consul-entry.ts';
import { exit } from '../runtime/context.ts';
import { stdinProblem } from '../runtime/manifest-files.ts';
import { isInvalid, problemLines, readEntryManifests } from '../runtime/read-entries.ts';
import { tell } from '../runtime/tell.ts';
import { escapeJson } from '../support/text.ts';
import { command, Misuse } from './command.ts';

const flags = {
  output: oneOf(
    'consul prints the entries, one JSON object per line and without Meta, if no object is invalid.',
    ['problems', 'consul'],
    'problems',
  ),
};

export const configCommand = command({
  operands: '[FILE…|DIR|-]',
  flags,
  examples: [
    'tandem config examples/config-entries/service-router.yaml',
    'tandem config --output=consul examples/config-entries/service-defaults.yaml',
  ],
  run: async ({ output }, operands, { stdin, stdout, stderr }) => {
    const misuse = stdinProblem(operands, stdin);
    if (misuse !== undefined) throw new Misuse(misuse);
    const entries = await readEntryManifests(operands, stdin);
    for (const line of entries.flatMap(problemLines)) tell(stderr, line);
    const invalid = entries.filter(isInvalid).length;
    tell(stderr, summary(entries.length, invalid));
    if (invalid > 0) return exit.denied;
    if (output === 'consul')
      for (const { kind, object } of entries)
        stdout.write(`${escapeJson(JSON.stringify(toConsulEntry(kind, object)))}\n`);
    return exit.done;
  },
});

function summary(count: number, invalid: number): string {
  const objects = `${count} ${count === 1 ? 'object' : 'objects'} of config entries`;
  return invalid === 0 ? `${objects}, none invalid` : `${objects}, ${invalid} invalid`;
}
