/** Kinds that only Consul Enterprise has: installed so that their manifests apply, and reported as not supported. */
import type { EntryField, EntryKind } from './entry-table.ts';
import { choiceField, flagField, listField, objectField, structField, textField } from './field-builders.ts';

export const samenessGroup: EntryKind = {
  kind: 'SamenessGroup',
  entryKind: 'sameness-group',
  plural: 'samenessgroups',
  shortNames: ['sameness-group'],
  enterprise: true,
  doc: 'Partitions and peers with the same services. Only Consul Enterprise has it.',
  naming: { from: 'object' },
  fields: {
    defaultForFailover: flagField('Every service fails over to the members. Default: false.'),
    includeLocal: flagField('The local partition comes before the members. Default: false.'),
    members: listField(
      'Members, the preferred one first.',
      structField('One member.', {
        partition: textField('Admin partition.'),
        peer: textField('Peer.'),
      }),
    ),
  },
};

const rates: Readonly<Record<string, EntryField>> = {
  readRate: { type: 'number', doc: 'Read requests per second.' },
  writeRate: { type: 'number', doc: 'Write requests per second.' },
};

const LIMITED = [
  'acl',
  'catalog',
  'configEntry',
  'connectCA',
  'coordinate',
  'discoveryChain',
  'health',
  'intention',
  'kv',
  'tenancy',
  'preparedQuery',
  'session',
  'txn',
];

export const controlPlaneRequestLimit: EntryKind = {
  kind: 'ControlPlaneRequestLimit',
  entryKind: 'control-plane-request-limit',
  plural: 'controlplanerequestlimits',
  shortNames: [],
  enterprise: true,
  doc: "Limits on the rate of requests to Consul's servers. Only Consul Enterprise has it.",
  naming: { from: 'object' },
  fields: {
    mode: choiceField('What to do beyond the limit.', ['permissive', 'enforcing', 'disabled']),
    ...rates,
    ...Object.fromEntries(
      LIMITED.map((name) => [name, objectField(`Limits of the requests of ${name}.`, rates)]),
    ),
  },
};
