/** What the help and docs/flags.md list is what the parser takes, and the other way round. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands, isCommandName, type CommandName } from '../../../src/cli/commands.ts';
import { commandHelp, overview } from '../../../src/cli/help.ts';
import { flagName, parseFlags, variableName, type Flags } from '../../../src/config/parse-flags.ts';

const NAMES = Object.keys(commands).filter(isCommandName);
const document = readFileSync(join(import.meta.dirname, '../../../docs/flags.md'), 'utf8');

/** What may set a flag on the command line, or in the environment where only that may. */
function settingsOf(flags: Flags): string[] {
  return Object.entries(flags)
    .map(([key, flag]) => (flag.environmentOnly ? variableName(key) : flagName(key)))
    .toSorted();
}

const SETTING = /^(?:--[a-z0-9-]+|TANDEM_[A-Z0-9_]+)/;

function listedInHelp(name: CommandName, help: string): string[] {
  const sections = help.split('\n\n').filter((section) => section.startsWith('Flags'));
  const lines = sections.flatMap((section) => section.split('\n').slice(1));
  return lines
    .flatMap((line) =>
      /^ {2}\S+ {2}/.test(line) ? [line.trim().split(' ')[0] ?? ''] : line.trim().split(' '),
    )
    .map((word) => SETTING.exec(word)?.[0] ?? `${name}: ${word}`)
    .toSorted();
}

/** The section of the command, and those that it refers to; a partial reference names the flags that count. */
function listedInDocument(name: CommandName): string[] {
  const sections = document.split(/^## /m).slice(1);
  const own = sections.find((section) => section.split('\n')[0]?.split(' ')[1] === name) ?? '';
  const anchors = [...own.matchAll(/\]\(#([a-z0-9-]+)\)/g)].map(([, anchor]) => anchor);
  const shared = sections.filter((section) =>
    anchors.includes(section.split('\n')[0]?.toLowerCase().replaceAll(' ', '-')),
  );
  assert.equal(shared.length, anchors.length, `${name}: ${anchors.join(' ')}`);
  return [...settingsInTable(own), ...shared.flatMap((section) => sharedWith(name, section))].toSorted();
}

function sharedWith(name: CommandName, section: string): string[] {
  const [, only] = new RegExp(`\`tandem ${name}\` takes only ([^.]*)\\.`).exec(section) ?? [];
  if (only !== undefined) return only.split(', ').map((word) => word.replaceAll('`', ''));
  const [, full = ''] = /^For ([^.]*)\./m.exec(section) ?? [];
  assert.ok(full.includes(`\`tandem ${name}\``), `${name} in: ${section.slice(0, 200)}`);
  return settingsInTable(section);
}

function settingsInTable(section: string): string[] {
  return [...section.matchAll(/^\| `(--[a-z0-9-]+|TANDEM_[A-Z0-9_]+)/gm)].map(([, setting = '']) => setting);
}

for (const name of NAMES) {
  test(`the help of ${name} lists exactly what the command takes`, async () => {
    const loaded = await commands[name].load();
    const listed = listedInHelp(name, commandHelp(name, loaded));
    assert.deepEqual(listed, settingsOf(loaded.flags));
    const given = listed.filter((setting) => setting.startsWith('--')).map((setting) => `${setting}=1`);
    const parsed = parseFlags(loaded.flags, given, {});
    const refused = parsed.ok ? [] : parsed.problems.filter((problem) => /not a flag|secret/.test(problem));
    assert.deepEqual(refused, []);
  });

  test(`docs/flags.md lists exactly what ${name} takes`, async () => {
    const { flags } = await commands[name].load();
    assert.deepEqual(listedInDocument(name), settingsOf(flags));
  });

  test(`the help of ${name} fits a screen and has an example`, async () => {
    const lines = commandHelp(name, await commands[name].load()).split('\n');
    assert.ok(lines.length <= 40, `${lines.length} lines`);
    assert.equal(
      lines.find((line) => line.length > 140),
      undefined,
    );
    assert.ok(lines.some((line) => line.startsWith(`  tandem ${name} `)));
  });

  test(`${name} is summed up in the same words everywhere`, async () => {
    const { summary, load } = commands[name];
    assert.ok(overview().includes(`  ${summary}\n`));
    assert.ok(commandHelp(name, await load()).startsWith(`${summary}.\n`));
    assert.ok(document.includes(`\n\n${summary}.\n`));
  });
}
