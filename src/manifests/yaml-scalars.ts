/**
 * YAML as kubectl reads it, which is neither YAML 1.1 nor 1.2: `yes` and `y` are booleans and 0644 is octal, and 1:30 is text.
 * Source: sigs.k8s.io/yaml, and go.yaml.in/yaml/v2 below it (resolve.go, decode.go).
 */
import { isAlias, isMap, isSeq, Scalar, type ScalarTag, type Tags } from 'yaml';

export type PlainValue = string | number | boolean | null;

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const NULL = /^(?:~|null|Null|NULL)?$/;
const INFINITE = /^[-+]?\.(?:inf|Inf|INF)$/;
const NOT_A_NUMBER = /^\.(?:nan|NaN|NAN)$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** The meaning of a scalar without quotes and tag. Timestamps stay text, as they do in JSON. */
export function plainValue(text: string): PlainValue {
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (NOT_A_NUMBER.test(text)) return NaN;
  // Any number of them, anywhere after the first character.
  const digits = /^[-+0-9]/.test(text) ? text.replaceAll('_', '') : text;
  const integer = INTEGER.exec(digits);
  if (integer !== null) return integerOf(integer);
  const float = FLOAT.test(digits) ? Number(digits) : NaN;
  return Number.isFinite(float) ? float : text;
}

function integerOf([, sign, hex, binary, octal, decimal]: RegExpExecArray): number {
  const digits = hex ?? binary ?? octal ?? decimal ?? '';
  const base = hex !== undefined ? 16 : binary !== undefined ? 2 : octal !== undefined ? 8 : 10;
  const value = Number.parseInt(digits, base);
  return sign === '-' && value !== 0 ? -value : value;
}

const PREFIX = 'tag:yaml.org,2002:';

const plain: ScalarTag = { tag: 'plain', default: true, test: /^/, resolve: plainValue };

function typed(name: string, isOfType: (value: PlainValue) => boolean): ScalarTag {
  return {
    tag: PREFIX + name,
    resolve: (text, onError) => {
      const value = plainValue(text);
      if (!isOfType(value)) onError(`${JSON.stringify(text)} is not of type ${name}`);
      return value;
    },
  };
}

/** As kubectl does it, a merge overrides the keys before it, and those after it override the merge. */
const merge: ScalarTag = {
  tag: `${PREFIX}merge`,
  default: 'key',
  test: /^<<$/,
  resolve: () => {
    const key = new Scalar<unknown>('<<');
    key.addToJSMap = (context, map, value) => {
      const resolve = (node: unknown): unknown =>
        isAlias(node) && context !== undefined ? node.resolve(context.doc, context) : node;
      const source = resolve(value);
      // The first of a list takes precedence.
      for (const each of isSeq(source) ? source.items.toReversed().map(resolve) : [source]) {
        if (!isMap(each)) throw new Error('a merge key needs a map');
        for (const [name, content] of Object.entries(each.toJSON(undefined, context) as object))
          Object.defineProperty(map, name, {
            value: content,
            writable: true,
            enumerable: true,
            configurable: true,
          });
      }
    };
    return key;
  },
};

const tags = (failsafe: Tags): Tags => [
  merge,
  plain,
  ...failsafe,
  typed('bool', (value) => typeof value === 'boolean'),
  typed('int', Number.isInteger),
  typed('float', (value) => typeof value === 'number'),
  typed('null', (value) => value === null),
  { tag: `${PREFIX}timestamp`, resolve: (text: string) => text },
  { tag: `${PREFIX}binary`, resolve: (text: string) => Buffer.from(text, 'base64').toString() },
];

export const yamlOptions = {
  schema: 'failsafe',
  customTags: tags,
  resolveKnownTags: false,
  logLevel: 'error',
} as const;
