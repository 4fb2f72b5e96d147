/** `GET /v1/config/<kind>` and `/v1/config/<kind>/<name>`. Entries come from the process itself; nobody else writes them. */
import { isDeepStrictEqual } from 'node:util';
import { asString, type JsonObject } from '../../src/support/json.ts';
import type { Catalog, ConfigEntry } from './catalog.ts';
import { failure, readOf, type Reply } from './reply.ts';

/** These entries and no others; one that is as before keeps its indexes. The same catalog when nothing is new. */
export function withEntries(catalog: Catalog, entries: readonly JsonObject[]): Catalog {
  const index = catalog.index + 1;
  const next = entries.map((given): ConfigEntry => {
    const [Kind, Name] = [asString(given['Kind']) ?? '', nameOf(given)];
    const before = find(catalog, Kind, Name);
    const indexes = { CreateIndex: before?.CreateIndex ?? index, ModifyIndex: before?.ModifyIndex ?? index };
    const entry = { ...given, Kind, Name, ...indexes };
    return isDeepStrictEqual(entry, before) ? entry : { ...entry, ModifyIndex: index };
  });
  return isDeepStrictEqual(next, catalog.entries) ? catalog : { ...catalog, index, entries: next };
}

/** @param argument `<kind>` or `<kind>/<name>` */
export function entriesReply(catalog: Catalog, argument: string): Reply {
  const [kind = '', ...rest] = argument.split('/');
  const name = rest.join('/');
  if (name === '') return readOf(catalog.entries.filter(({ Kind }) => Kind === kind).map(shown));
  const found = find(catalog, kind, name);
  return found === undefined
    ? failure(404, `Config entry not found for "${kind}" / "${name}"`)
    : readOf(shown(found));
}

/** Consul folds case. */
function find({ entries }: Catalog, kind: string, name: string): ConfigEntry | undefined {
  return entries.find(({ Kind, Name }) => Kind === kind && Name.toLowerCase() === name.toLowerCase());
}

// The one of the mesh has a name in the path only.
const MESH = 'mesh';

function nameOf({ Kind, Name }: JsonObject): string {
  return Kind === MESH ? MESH : (asString(Name) ?? '');
}

function shown({ Name, ...entry }: ConfigEntry): object {
  return entry.Kind === MESH ? entry : { Name, ...entry };
}
