/** The keys of a config entry in Consul's spelling, and which of them Consul keeps for itself. */
import type { EntryField } from './entry-table.ts';

const UPPER_CASE: ReadonlySet<string> = new Set([
  'http',
  'jwt',
  'tls',
  'sds',
  'uri',
  'ttl',
  'jwks',
  'sni',
  'acl',
  'kv',
]);

export function consulKeyOf(name: string, field: EntryField): string {
  if (field.consulKey !== undefined) return field.consulKey;
  return UPPER_CASE.has(name) ? name.toUpperCase() : `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

/** Written by Consul itself, or meta, which is compared by its owner. `Status` is that of gateways. */
export const BOOKKEEPING: ReadonlySet<string> = new Set([
  'Kind',
  'Meta',
  'CreateIndex',
  'ModifyIndex',
  'Hash',
  'Status',
  'Precedence',
  'Type',
  'LegacyID',
  'LegacyMeta',
  'LegacyCreateTime',
  'LegacyUpdateTime',
]);

/** Consul's community edition has only one of each. */
export const TENANCY_KEYS: ReadonlySet<string> = new Set(['Namespace', 'Partition']);
