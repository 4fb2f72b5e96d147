/** The texts of `--help`, made from the same tables that the parser reads. */
import type { Flag } from '../config/flag.ts';
import { flagGroups, keysOfGroup, ownFlags } from '../config/flag-groups.ts';
import { flagName, variableName, type Flags } from '../config/parse-flags.ts';
import type { Command } from './command.ts';
import { commands, type CommandName } from './commands.ts';

/** `tandem --help`. */
export function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Tandem connects Kubernetes to a Consul service mesh.

Usage: tandem <command> [flags]

Commands:
${lines.join('\n')}

Every flag can also be set by a variable: TANDEM_TLS_CERT_FILE sets --tls-cert-file.
"tandem <command> --help" shows the flags of a command.
`;
}

/** `tandem <command> --help`. */
export function commandHelp(name: CommandName, { flags, operands, examples }: Command<Flags>): string {
  const rows = Object.entries(ownFlags(flags)).map(([key, flag]) => ({
    left: flagForm(key, flag),
    right: flag.doc,
  }));
  const width = Math.max(0, ...rows.map(({ left }) => left.length));
  const usage = ['tandem', name, '[flags]', operands].filter((word) => word !== '').join(' ');
  const sections = [
    `${commands[name].summary}.`,
    `Usage: ${usage}`,
    ...(rows.length === 0
      ? []
      : [`Flags:\n${rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`).join('\n')}`]),
    ...sharedSection(flags),
    `Examples:\n${examples.map((example) => `  ${example}`).join('\n')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** By name only, to keep the help on one screen. */
function sharedSection(flags: Flags): string[] {
  const groups = flagGroups
    .map((group) => ({ subject: group.subject, keys: keysOfGroup(group, flags) }))
    .filter(({ keys }) => keys.length > 0);
  if (groups.length === 0) return [];
  const subjects = groups.map(({ subject }) => subject).join(', ');
  const names = groups.flatMap(({ keys }) => keys.map((key) => settingName(key, flags[key])));
  return [`Flags for ${subjects} (see docs/flags.md):\n${wrap(names)}`];
}

/** What sets it: `--tls-cert-file`, or `TANDEM_CONSUL_TOKEN` for what only the environment may hold. */
export function settingName(key: string, flag: Flag<unknown> | undefined): string {
  return flag?.environmentOnly === true ? variableName(key) : flagName(key);
}

/** `--tls-cert-file=FILE`, or `--tls-auto` for a boolean, or `TANDEM_CONSUL_TOKEN=TOKEN` for what is no flag. */
export function flagForm(key: string, flag: Flag<unknown>): string {
  const name = settingName(key, flag);
  return flag.placeholder === '' ? name : `${name}=${flag.placeholder}`;
}

function wrap(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    // As long as the lines of the flags above.
    if (last === undefined || last.length + word.length >= 120) lines.push(`  ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
