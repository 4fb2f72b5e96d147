/** The texts of `--help`, made from the same tables that the parser reads. */
import type { Flag } from '../config/flag.ts';
import { flagName, variableName, type Flags } from '../config/parse-flags.ts';
import type { Command } from './command.ts';
import { commands } from './commands.ts';

/** `tandem --help`. */
export function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Tandem joins Kubernetes to a Consul service mesh.

Usage: tandem <command> [flags]

Commands:
${lines.join('\n')}

Every flag is also a variable: --tls-cert-file is TANDEM_TLS_CERT_FILE.
"tandem <command> --help" shows the flags of a command.
`;
}

/** `tandem <command> --help`. */
export function commandHelp(command: Command<Flags>): string {
  const shared = new Set(command.shared?.keys);
  const rows = Object.entries(command.flags)
    .filter(([key]) => !shared.has(key))
    .map(([key, flag]) => ({ left: flagForm(key, flag), right: flag.doc }));
  const width = Math.max(0, ...rows.map(({ left }) => left.length));
  const usage = ['tandem', command.name, '[flags]', command.operands].filter((word) => word !== '').join(' ');
  const sections = [
    `${command.summary}.`,
    `Usage: ${usage}`,
    ...(rows.length === 0
      ? []
      : [`Flags:\n${rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`).join('\n')}`]),
    ...(command.shared === undefined
      ? []
      : [`${command.shared.title}\n${wrap(command.shared.keys.map(flagName))}`]),
    `Examples:\n${command.examples.map((example) => `  ${example}`).join('\n')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** `--tls-cert-file=FILE`, or `--tls-auto` for a boolean, or `TANDEM_CONSUL_TOKEN=TOKEN` for what is no flag. */
export function flagForm(key: string, flag: Flag<unknown>): string {
  if (flag.environmentOnly) return `${variableName(key)}=${flag.placeholder}`;
  return flag.placeholder === '' ? flagName(key) : `${flagName(key)}=${flag.placeholder}`;
}

function wrap(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    // 100 columns is what a terminal beside an editor has.
    if (last === undefined || last.length + word.length >= 100) lines.push(`  ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
