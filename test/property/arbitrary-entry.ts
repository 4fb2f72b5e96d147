/** Random specs of config entries, made from the table of kinds. */
import fc from 'fast-check';
import type {
  EntryField,
  EntryKind,
  FieldTable,
  TextField,
} from '../../src/catalog/config-entries/entry-table.ts';
import { readEntryObject, type EntryObject } from '../../src/catalog/config-entries/entry-object.ts';
import { validateEntry, type EntryProblem } from '../../src/catalog/config-entries/validate-entry.ts';
import { isObject } from '../../src/support/json.ts';

/** Field → texts that mean something there. A path that ends in them goes before the field alone. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  'providers.name': ['staff'],
  'verifyClaims.path': ['sub', 'group'],
  'envoyExtensions.name': ['builtin/lua'],
  // Gateways need one of each protocol.
  'services.name': ['web', 'plain', '*'],
  name: ['web', 'api', '*', 'x-header'],
  service: ['web', 'api', ''],
  serviceSubset: ['v1', 'v2', ''],
  defaultSubset: ['v1', 'v2', ''],
  peer: ['cloud', ''],
  datacenter: ['dc2', ''],
  filter: ['Service.Meta.version == v1', ''],
  uri: ['https://login.example.com/keys'],
  jwks: ['e30='],
  addresses: ['10.0.0.1', 'db.example.com', 'fd00::1'],
  hosts: ['shop.example.com', '*.example.com', '*'],
  methods: ['GET', 'post', 'Put'],
  externalSNI: [''],
  mode: [''],
};
const ANY_TEXT = ['', 'a', '/path', '{"a":1}', 'e30=', 'Groß'];
const DURATIONS = ['', '0s', '0', '1s', '1m30s', '1.5h', '250ms', '90m'];

/** Of the top level, without which nothing is valid. */
const ALWAYS: ReadonlySet<string> = new Set(['destination', 'sources', 'jsonWebKeySet', 'splits']);

const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(null, true, false, '', 'text', 0, 1, 1.5, -3, 2 ** 40),
    // A null in a list stops Consul.
    fc.array(
      tie('value').filter((each) => each !== null),
      { maxLength: 2 },
    ),
    fc.dictionary(fc.constantFrom('a', 'B', 'snake_case', '__proto__'), tie('value'), { maxKeys: 2 }),
  ),
})).value;

/** Specs that the validator lets through. */
export function validSpec(kind: EntryKind): fc.Arbitrary<EntryObject> {
  return anySpec(kind)
    .map((object) => repaired(kind, object))
    .filter((object) => seriousProblems(kind, object).length === 0);
}

/** Specs of the right types; most of them have problems. */
export function anySpec(kind: EntryKind): fc.Arbitrary<EntryObject> {
  return fieldsOf(kind.fields, [], true).map((spec) => objectOf(kind, spec));
}

/** @param name of the object; by default one that the kind demands, or `web` */
export function objectOf(kind: EntryKind, spec: unknown, name?: string): EntryObject {
  const { naming } = kind;
  const demanded = naming.from === 'destination' ? undefined : naming.only;
  const metadata = { name: name ?? demanded ?? 'web', namespace: 'default' };
  const object = readEntryObject({ kind: kind.kind, metadata, spec });
  if (object === undefined) throw new Error('no object');
  return object;
}

export function seriousProblems(kind: EntryKind, object: EntryObject): readonly EntryProblem[] {
  return validateEntry(kind, object).filter(({ level }) => level !== 'warning');
}

function fieldsOf(
  fields: FieldTable,
  path: readonly string[],
  isTop = false,
): fc.Arbitrary<Record<string, unknown>> {
  const names = Object.keys(fields);
  const values = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, valueOf(field, [...path, name])]),
  );
  const always = names.filter((name) => {
    const field = fields[name];
    return (
      (isTop && ALWAYS.has(name)) ||
      name === 'arguments' ||
      (field?.type === 'string' && field.isRequired === true)
    );
  });
  return fc.record(values, { requiredKeys: always });
}

function valueOf(field: EntryField, path: readonly string[]): fc.Arbitrary<unknown> {
  if (field.since !== undefined) return fc.constant(false);
  switch (field.type) {
    case 'string':
      return textOf(field, path);
    case 'integer': {
      const { least = 0, most = 70_000 } = field;
      return fc.oneof(fc.constant(0), fc.integer({ min: least, max: most }));
    }
    case 'number':
      return fc.oneof(fc.integer({ min: 0, max: 100 }), fc.float({ min: 0, max: 100, noNaN: true }));
    case 'boolean':
      return fc.boolean();
    case 'duration':
      return fc.constantFrom(...DURATIONS);
    case 'bytes':
      return fc.constantFrom('', 'cGVt', 'w6Q=');
    case 'list':
      return fc.array(valueOf(field.of, path), { minLength: path.length === 1 ? 1 : 0, maxLength: 3 });
    case 'map':
      return fc.dictionary(fc.constantFrom('x-a', 'X-B', 'a_b'), fc.constantFrom('', 'v', '%START_TIME%'), {
        maxKeys: 2,
      });
    case 'keyed':
      return fc.dictionary(fc.constantFrom('v1', 'v2', '*'), valueOf(field.of, path), { maxKeys: 3 });
    case 'opaque':
      return path.at(-2) === 'envoyExtensions' ? fc.constant(LUA) : opaque;
    case 'object':
      return fieldsOf(field.fields, path);
  }
}

const LUA = { ProxyType: 'connect-proxy', Listener: 'inbound', Script: 'function envoy_on_request() end' };

const opaque = fc
  .dictionary(fc.constantFrom('protocol', 'envoy_tracing_json', 'a', 'UPPER', 'snake_case'), json, {
    maxKeys: 4,
  })
  .map((config) => ('protocol' in config ? { ...config, protocol: 'http' } : config));

function textOf(field: TextField, path: readonly string[]): fc.Arbitrary<string> {
  const { allowed, fold, isRequired, check } = field;
  const pool = allowed ?? TEXTS[path.slice(-2).join('.')] ?? TEXTS[path.at(-1) ?? ''] ?? ANY_TEXT;
  const fits = [...pool, ...(allowed === undefined ? ANY_TEXT : [])].filter(
    (text) => text === '' || check?.(text) === undefined,
  );
  const texts = [...fits.filter((text) => pool.includes(text)), ...(isRequired === true ? [] : [''])].filter(
    (text) => isRequired !== true || text !== '',
  );
  const chosen = fc.constantFrom(...(texts.length > 0 ? texts : fits));
  if (field.enterpriseExcept !== undefined) return fc.constantFrom('', ...field.enterpriseExcept);
  return fold === undefined
    ? chosen
    : fc.tuple(chosen, fc.boolean()).map(([text, up]) => (up ? text.toUpperCase() : text));
}

/** Takes away what has a problem, until nothing is left of it. */
function repaired(kind: EntryKind, object: EntryObject): EntryObject {
  const spec = structuredClone(object.spec) as Record<string, unknown>;
  balanceWeights(spec);
  for (let round = 0; round < 40; round += 1) {
    const [problem] = seriousProblems(kind, { ...object, spec });
    if (problem === undefined) break;
    if (!remove(spec, problem.keys.slice(1), round)) break;
    balanceWeights(spec);
  }
  return { ...object, spec };
}

/** Removes what the path leads to, or, where nothing is there, what should have it; of an object one of its fields. */
function remove(spec: Record<string, unknown>, keys: readonly (string | number)[], round: number): boolean {
  let parent: unknown = spec;
  for (const key of keys.slice(0, -1)) parent = (parent as Record<string | number, unknown>)?.[key];
  const last = keys.at(-1);
  if (last === undefined) return false;
  const found = (parent as Record<string | number, unknown> | undefined)?.[last];
  if (found === undefined) return remove(spec, keys.slice(0, -1), round);
  if (isObject(found) && Object.keys(found).length > 1) {
    // The rule wants fewer fields, or others; not always the same one goes.
    const fields = Object.keys(found);
    delete (found as Record<string, unknown>)[fields[(round * 7 + fields.length) % fields.length] ?? ''];
    return true;
  }
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Record<string, unknown>)[last as string];
  return true;
}

function balanceWeights(spec: Record<string, unknown>): void {
  const splits = spec['splits'];
  if (!Array.isArray(splits)) return;
  splits.forEach((split: Record<string, unknown>, index) => {
    const even = Math.floor(10_000 / splits.length) / 100;
    const rest = Math.round(10_000 - Math.floor(10_000 / splits.length) * (splits.length - 1)) / 100;
    // A third place, which Consul rounds away.
    split['weight'] = index === 0 ? rest : even + 0.001;
  });
}
