/** `ServiceIntentions`: who may call a service. */
import { elementsAt, isObject, property, textAt } from '../../support/json.ts';
import {
  excludes,
  has,
  isSet,
  entryNameCheck,
  methodsRule,
  notBlank,
  notEmpty,
  oneFieldOf,
  pathCheck,
  problemsOfElements,
  refusedAt,
  regexRule,
  unique,
  warnedAt,
  wildcardCheck,
} from './entry-rules.ts';
import type { EntryKind, EntryRule, ObjectField } from './entry-table.ts';
import {
  choiceField,
  flagField,
  listField,
  namespaceField,
  objectField,
  partitionField,
  structField,
  textField,
} from './field-builders.ts';
import { jwtRequirement } from './shared-fields.ts';

const ACTIONS = ['allow', 'deny'] as const;

// metaValueMaxLength of Consul, in bytes.
const DESCRIPTION_BYTES = 512;

const header: ObjectField = objectField(
  'One header.',
  {
    name: textField('Name of the header.', { isRequired: true }),
    present: flagField('The header is there, whatever its value.'),
    exact: textField('The whole value.'),
    prefix: textField('Prefix of the value.'),
    suffix: textField('Suffix of the value.'),
    contains: textField('Text that the value contains.'),
    regex: textField('Regular expression (RE2) for the whole value.'),
    ignoreCase: flagField('Ignores case; only with exact, prefix, suffix and contains. Default: false.'),
    invert: flagField('Inverts the match. Default: false.'),
  },
  {
    rules: [
      oneFieldOf(['present', 'exact', 'prefix', 'suffix', 'contains', 'regex'], 'exactly one'),
      (value) =>
        isSet(value, 'ignoreCase') && (isSet(value, 'present') || isSet(value, 'regex'))
          ? [refusedAt(['ignoreCase'], 'goes only with exact, prefix, suffix or contains')]
          : [],
      regexRule('regex'),
    ],
  },
);

const permission = objectField(
  'One permission. The first that matches a request decides.',
  {
    action: choiceField('What to do with a request that matches.', ACTIONS, { isRequired: true }),
    http: objectField(
      'Requests that match.',
      {
        pathExact: textField('The whole path.', { check: pathCheck }),
        pathPrefix: textField('Prefix of the path.', { check: pathCheck }),
        pathRegex: textField('Regular expression (RE2) for the whole path.'),
        methods: listField('HTTP methods; none: all of them.', textField('', { fold: 'upper' })),
        header: listField('Headers that the request must have, all of them.', header),
      },
      {
        rules: [
          notBlank,
          oneFieldOf(['pathExact', 'pathPrefix', 'pathRegex'], 'at most one'),
          methodsRule,
          regexRule('pathRegex'),
        ],
      },
    ),
    jwt: jwtRequirement('the request'),
  },
  { rules: [(value) => (has(value, 'http') ? [] : [refusedAt(['http'], 'is required')])] },
);

const permissionsNeedHttp: EntryRule = (value) =>
  problemsOfElements(elementsAt(value, 'sources'), (source, index) => {
    if (elementsAt(source, 'permissions').length === 0) return undefined;
    const path = ['sources', index, 'permissions'];
    return textAt(value['destination'], 'name') === '*'
      ? refusedAt(path, 'cannot be used with the destination "*"')
      : warnedAt(path, 'need a service with the protocol http, http2 or grpc (ServiceDefaults)');
  });

/** Undefined for a source without a name, which another rule reports. */
function nameAndPeer(source: unknown): string | undefined {
  const name = textAt(source, 'name');
  return name === '' ? undefined : `${name}\0${textAt(source, 'peer')}`;
}

export const serviceIntentions: EntryKind = {
  kind: 'ServiceIntentions',
  entryKind: 'service-intentions',
  plural: 'serviceintentions',
  shortNames: ['service-intentions'],
  doc: 'Who may call a service of the mesh, and who may not.',
  naming: { from: 'destination' },
  fields: {
    destination: structField(
      'Service that is called. Its name is that of the entry in Consul.',
      {
        name: textField('Name of the service, or * for all services.', {
          isRequired: true,
          check: (name) => wildcardCheck(name) ?? entryNameCheck(name),
        }),
        namespace: namespaceField,
      },
      { isNotSent: true },
    ),
    sources: listField(
      'Services that call. An exact name goes before *; the order of the list means nothing.',
      objectField(
        'One source.',
        {
          name: textField('Name of the service that calls, or * for all services.', {
            isRequired: true,
            check: wildcardCheck,
          }),
          namespace: namespaceField,
          partition: partitionField,
          peer: textField('Peer that has the service that calls.', {
            check: (peer) => (peer.includes('*') ? 'must have no "*" in it' : undefined),
          }),
          samenessGroup: textField('Sameness group that has the service that calls.', {
            enterpriseExcept: [],
          }),
          action: choiceField('What to do with its connections.', ACTIONS),
          permissions: listField(
            'Permissions by request, in place of action. They need an HTTP-like protocol.',
            permission,
          ),
          description: textField('A description for people.', {
            check: (description) =>
              Buffer.byteLength(description) > DESCRIPTION_BYTES
                ? `must not have more than ${DESCRIPTION_BYTES} bytes`
                : undefined,
          }),
        },
        { rules: [oneFieldOf(['action', 'permissions'], 'exactly one'), excludes('peer', ['partition'])] },
      ),
      { setBy: ['Name', 'Peer'] },
    ),
    jwt: jwtRequirement('every request'),
  },
  rules: [
    (spec) =>
      isObject(property(spec, 'destination')) ? [] : [refusedAt(['destination', 'name'], 'is required')],
    notEmpty('sources'),
    unique('sources', nameAndPeer, 'name and peer'),
    permissionsNeedHttp,
  ],
};
