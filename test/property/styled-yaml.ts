/** Values as YAML in the many ways that people write it: every node takes another turn of the choices. */
import { isObject } from '../../src/support/json.ts';

/** A number below the count. */
export type Choose = (count: number) => number;

/** Choices from a list that starts anew at its end. */
export function chooser(numbers: readonly number[]): Choose {
  let turn = 0;
  return (count) => (numbers[turn++ % numbers.length] ?? 0) % count;
}

/** One stream of documents. Everything in it stands for the values, whatever the choices. */
export function writeStream(values: readonly unknown[], choose: Choose): string {
  const writer = writerOf(choose);
  const documents = values.map((value) => {
    const mark = choose(3) === 0 ? '--- # a document\n' : '---\n';
    const lines = isCollection(value) && choose(6) > 0 ? writer.block(value, 0) : [writer.flow(value, 0)];
    return `${mark}${lines.join('\n')}\n${['', '', '...\n', '# the end\n', '\n\n'][choose(5)] ?? ''}`;
  });
  const start = ['', '', '# leading\n\n', '%YAML 1.2\n'][choose(4)] ?? '';
  let text = start + documents.join('');
  if (start === '' && choose(2) === 0) text = text.replace(/^--- *(#.*)?\n/, '');
  if (choose(4) === 0) text = text.replace(/\n+$/, '');
  if (choose(4) === 0) text = text.replaceAll('\n', '\r\n');
  return choose(8) === 0 ? `\uFEFF${text}` : text;
}

type Writer = {
  readonly block: (value: object, column: number) => string[];
  readonly flow: (value: unknown, column: number) => string;
};

function isCollection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function writerOf(choose: Choose): Writer {
  let anchors = 0;
  const pad = (column: number): string => ' '.repeat(column);
  const anchor = (): string => (choose(20) === 0 ? ` &a${(anchors += 1)}` : '');
  const aside = (): string => (choose(8) === 0 ? ' # aside' : '');
  const remarks = (column: number): string[] =>
    [[], [], [], [], [], [`${pad(column)}# about it`], [''], ['', `${pad(column)}# after a gap`]][
      choose(8)
    ] ?? [];

  const block = (value: object, column: number): string[] => {
    const lines = Array.isArray(value)
      ? value.flatMap((item: unknown) => [...remarks(column), ...blockItem(item, column)])
      : Object.entries(value).flatMap(([key, content]) => [
          ...remarks(column),
          ...blockEntry(keyText(key, choose), content, column),
        ]);
    return [...lines, ...(choose(10) === 0 ? [`${pad(column)}# at the end`] : [])];
  };

  const blockEntry = (key: string, value: unknown, column: number): string[] => {
    const head = `${pad(column)}${key}:`;
    if (!isCollection(value) || choose(6) === 0) return inPlace(head, value, column);
    const deeper = column + (Array.isArray(value) ? choose(5) : 1 + choose(4));
    return [`${head}${anchor()}${aside()}`, ...block(value, deeper)];
  };

  const blockItem = (value: unknown, column: number): string[] => {
    const head = `${pad(column)}-`;
    if (!isCollection(value) || choose(8) === 0) return inPlace(head, value, column);
    if (choose(6) === 0) return [`${head}${anchor()}${aside()}`, ...block(value, column + 1 + choose(3))];
    const inner = column + 2 + choose(3);
    const [first = '', ...rest] = block(value, inner);
    // Nothing but the value itself may stand behind the dash.
    if (first.trimStart().startsWith('#') || first === '') return [head, first, ...rest];
    return [head + first.slice(head.length), ...rest];
  };

  const inPlace = (head: string, value: unknown, column: number): string[] => {
    if (value === null) return [`${head}${anchor()}${['', '', ' null', ' ~'][choose(4)] ?? ''}${aside()}`];
    if (typeof value === 'string' && isTextBlock(value) && choose(3) > 0) {
      return [`${head} ${textHeader(value)}`, ...textLines(value, pad(column + 1 + choose(3)))];
    }
    const text =
      isObject(value) || Array.isArray(value) ? flow(value, column) : scalarText(value, choose, false);
    if (choose(15) === 0) return [`${head}${aside()}`, `${pad(column + 2)}${text}`];
    return [`${head}${anchor()} ${text}${aside()}`];
  };

  const flow = (value: unknown, column: number): string => {
    if (typeof value !== 'object' || value === null) return scalarText(value, choose, true);
    const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
    const members = Array.isArray(value)
      ? value.map((item: unknown) => flow(item, column + 2))
      : Object.entries(value).map(
          ([key, content]) => `${keyText(key, choose)}: ${flow(content, column + 2)}`,
        );
    if (members.length === 0) return `${open}${choose(4) === 0 ? ' ' : ''}${close}`;
    const comma = choose(6) === 0 ? ',' : '';
    if (choose(3) === 0) {
      const remark = choose(4) === 0 ? ' # inside' : '';
      const lines = members.map((member, index) => `${member}${index < members.length - 1 ? ',' : comma}`);
      return `${open}${remark}\n${lines.map((line) => pad(column + 2) + line).join('\n')}\n${pad(column + 1)}${close}`;
    }
    const space = choose(2) === 0 ? ' ' : '';
    return `${open}${space}${members.join(choose(2) === 0 ? ', ' : ',  ')}${comma}${space}${close}`;
  };
  return { block, flow };
}

// Plain for YAML 1.1 as well: letters first, and no word for a boolean or null.
const PLAIN = /^(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z][\w./-]*$/i;
const SINGLE = /^[ -~\u00e0-\u017f]*$/;

function keyText(key: string, choose: Choose): string {
  return stringText(key, choose(4));
}

/** Values in flow style are JSON where they are no plain words: what Tandem has to replace there must be. */
function scalarText(value: unknown, choose: Choose, inFlow: boolean): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return stringText(value, inFlow ? 2 : choose(4));
}

function stringText(text: string, style: number): string {
  if (style < 2 && PLAIN.test(text)) return text;
  return style % 2 === 1 && SINGLE.test(text) ? `'${text.replaceAll("'", "''")}'` : JSON.stringify(text);
}

function isTextBlock(text: string): boolean {
  return /^[!-~][ -~]*(?:\n(?:[!-~][ -~]*)?)+$/.test(text) && text.includes('\n');
}

function textHeader(text: string): string {
  if (!text.endsWith('\n')) return '|-';
  return text.endsWith('\n\n') ? '|+' : '|';
}

function textLines(text: string, indent: string): string[] {
  const lines = text.split('\n');
  const content = text.endsWith('\n') ? lines.slice(0, -1) : lines;
  return content.map((line) => (line === '' ? '' : indent + line));
}
