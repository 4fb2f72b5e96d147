/** The texts of `--help`, made from the same tables that the parser reads. */
import { flagName, type Flags } from '../config/parse-flags.ts';
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
  const rows = Object.entries(command.flags).map(([key, flag]) => ({
    left: flag.placeholder === '' ? flagName(key) : `${flagName(key)}=${flag.placeholder}`,
    right: flag.doc,
  }));
  const width = Math.max(0, ...rows.map(({ left }) => left.length));
  const flags = rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`);
  const usage = ['tandem', command.name, '[flags]', command.operands].filter((word) => word !== '').join(' ');
  return `${command.summary}.

Usage: ${usage}

${flags.length === 0 ? '' : `Flags:\n${flags.join('\n')}\n\n`}Examples:
${command.examples.map((example) => `  ${example}`).join('\n')}
`;
}
