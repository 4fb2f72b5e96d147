/**
 * The custom resource definitions. Their schemas hold types and descriptions only: what an earlier program has stored must
 * stay readable and editable, and `tandem config` and the status tell all problems at once.
 */
import type { JsonObject } from '../../support/json.ts';
import { ENTRY_GROUP, ENTRY_VERSION } from './entry-kinds.ts';
import type { EntryField, EntryKind, FieldTable } from './entry-table.ts';
import { describeField } from './field-description.ts';

/** `CustomResourceDefinition` of the kind, which Helm keeps when it uninstalls: with it all objects would go. */
export function crdOf(kind: EntryKind): JsonObject {
  const singular = kind.kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${kind.plural}.${ENTRY_GROUP}`,
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group: ENTRY_GROUP,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular,
        ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
        categories: ['consul'],
      },
      versions: [
        {
          name: ENTRY_VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columnsOf(kind),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: kind.doc,
              properties: {
                apiVersion: { type: 'string', description: 'Version of the schema of the object.' },
                kind: { type: 'string', description: 'Kind of the object.' },
                // The API server describes it, and forbids anything else here.
                metadata: { type: 'object' },
                spec: {
                  type: 'object',
                  description: 'The config entry that Consul should have.',
                  properties: propertiesOf(kind.fields),
                },
                status: STATUS,
              },
            },
          },
        },
      ],
    },
  };
}

function propertiesOf(fields: FieldTable): JsonObject {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOf(field)]));
}

function schemaOf(field: EntryField): JsonObject {
  const description = describeField(field);
  return { ...typeOf(field), ...(description === '' ? {} : { description }) };
}

function typeOf(field: EntryField): JsonObject {
  switch (field.type) {
    case 'string':
    case 'duration':
    case 'bytes':
      return { type: 'string' };
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: field.type };
    case 'map':
      return { type: 'object', additionalProperties: { type: 'string' } };
    case 'keyed':
      return { type: 'object', additionalProperties: schemaOf(field.of) };
    case 'opaque':
      return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    case 'list':
      return { type: 'array', items: schemaOf(field.of) };
    case 'object':
      return { type: 'object', properties: propertiesOf(field.fields) };
  }
}

const SYNCED = '.status.conditions[?(@.type=="Synced")]';

function columnsOf({ naming }: EntryKind): readonly JsonObject[] {
  return [
    ...(naming.from === 'destination'
      ? [
          {
            name: 'Destination',
            type: 'string',
            jsonPath: '.spec.destination.name',
            description: 'Service that is called.',
          },
        ]
      : []),
    {
      name: 'Synced',
      type: 'string',
      jsonPath: `${SYNCED}.status`,
      description: 'Whether Consul agrees with the object.',
    },
    { name: 'Reason', type: 'string', jsonPath: `${SYNCED}.reason`, description: 'Why, or why not.' },
    {
      name: 'Last Synced',
      type: 'date',
      jsonPath: '.status.lastSyncedTime',
      description: 'When Tandem wrote the entry last.',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the object.' },
    {
      name: 'Message',
      type: 'string',
      priority: 1,
      jsonPath: `${SYNCED}.message`,
      description: 'What to fix.',
    },
  ];
}

const STATUS = {
  type: 'object',
  description: 'State of the object in Consul, as Tandem reports it.',
  properties: {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation of the object that the status is about.',
    },
    lastSyncedTime: {
      type: 'string',
      format: 'date-time',
      description: 'When the entry was written to Consul last.',
    },
    entryId: {
      type: 'string',
      description: 'Id of the entry that Tandem wrote: the trust domain of Consul and the CreateIndex.',
    },
    conditions: {
      type: 'array',
      description: 'The condition Synced says whether Consul agrees with the object.',
      items: {
        type: 'object',
        description: 'One condition.',
        properties: {
          type: { type: 'string', description: 'Synced.' },
          status: { type: 'string', description: 'One of True, False or Unknown.' },
          reason: { type: 'string', description: 'Why, in one word.' },
          message: { type: 'string', description: 'Why, for people.' },
          observedGeneration: {
            type: 'integer',
            format: 'int64',
            description: 'Generation of the object that the condition is about.',
          },
          lastTransitionTime: {
            type: 'string',
            format: 'date-time',
            description: 'When the status changed last.',
          },
        },
      },
    },
  },
};
