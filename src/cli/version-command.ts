/** `tandem version`. */
import { boolean } from '../config/flag.ts';
import { version } from '../version.ts';
import { command } from './command.ts';
import { exit } from '../runtime/context.ts';

export const versionCommand = command({
  operands: '',
  flags: { json: boolean('Print a JSON object with the versions of Tandem and Node.js.', false) },
  examples: ['tandem version --json'],
  run: async (values, _positionals, { stdout, nodeVersion }) => {
    const text = values.json ? JSON.stringify({ tandem: version, node: nodeVersion }) : version;
    stdout.write(`${text}\n`);
    return exit.done;
  },
});
