/** `ServiceResolver`: which instances answer for a service. */
import { asObject, elementsAt, isObject, property, textAt } from '../../support/json.ts';
import { quote } from '../../support/text.ts';
import { readFilter } from './filter-expression.ts';
import { excludes, has, isSet, needs, objectsAt, refusedAt, warnedAt } from './entry-rules.ts';
import type { EntryKind, EntryRule, RuleProblem } from './entry-table.ts';
import {
  choiceField,
  countField,
  durationField,
  flagField,
  keyedField,
  listField,
  namespaceField,
  objectField,
  partitionField,
  structField,
  textField,
  textsField,
} from './field-builders.ts';
import { prioritizeByLocality } from './shared-fields.ts';

// serviceSubsetMaxLength and validServiceSubset of Consul.
const SUBSET_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const enterpriseText = (doc: string): ReturnType<typeof textField> =>
  textField(doc, { enterpriseExcept: [] });

function filterCheck(filter: string): string | undefined {
  const read = readFilter(filter);
  return read.ok ? undefined : `cannot be read at character ${read.offset + 1}`;
}

/** What a subset filter is asked about: an instance with its node and its checks. */
const FILTERED = ['Node', 'Service', 'Checks'];

const selectorsAreKnown: EntryRule = (value) => {
  const read = readFilter(textAt(value, 'filter'));
  const unknown = read.ok
    ? read.selectors.filter((name) => !FILTERED.includes(/^\w*/.exec(name)?.[0] ?? ''))
    : [];
  return unknown.map((name) =>
    warnedAt(
      ['filter'],
      `${quote(name)} begins with none of ${FILTERED.join(', ')}; the filter selects nothing`,
    ),
  );
};

const whereItIs = {
  service: textField('Service that answers. Default: the service itself.'),
  serviceSubset: textField('Subset of that service.'),
  namespace: namespaceField,
  partition: partitionField,
  datacenter: textField('Datacenter of that service.'),
  peer: textField('Peer that has that service.'),
};

const redirect = objectField(
  'Sends everything elsewhere. Excludes failover.',
  {
    ...whereItIs,
    samenessGroup: enterpriseText('Sameness group that has that service.'),
  },
  {
    rules: [
      (value) =>
        ['service', 'serviceSubset', 'datacenter', 'peer', 'samenessGroup'].some((key) => isSet(value, key))
          ? []
          : [refusedAt([], 'must have one of service, datacenter or peer')],
      needs('serviceSubset', 'service'),
      needs('peer', 'service'),
      excludes('peer', ['serviceSubset', 'datacenter']),
    ],
  },
);

const target = structField('One target.', whereItIs, {
  rules: [excludes('peer', ['serviceSubset', 'datacenter'])],
});

const failover = keyedField(
  'Subset, or * for every one → where its requests go when no instance is healthy.',
  structField(
    'Where the requests go.',
    {
      service: textField('Service that answers. Default: the service itself.'),
      serviceSubset: textField('Subset of that service.'),
      namespace: namespaceField,
      datacenters: textsField('Datacenters that are tried, in this order.'),
      samenessGroup: enterpriseText('Sameness group that is tried.'),
      policy: objectField('How the targets are ordered.', {
        mode: enterpriseText('Order of the targets.'),
        regions: textsField('Regions, the preferred one first.'),
      }),
      targets: listField('Targets that are tried, in this order.', target),
    },
    {
      rules: [
        (value) =>
          ['service', 'serviceSubset', 'datacenters', 'targets', 'samenessGroup'].some((key) =>
            isSet(value, key),
          )
            ? []
            : [refusedAt([], 'must have one of service, serviceSubset, datacenters or targets')],
        excludes('targets', ['service', 'serviceSubset', 'datacenters']),
        (value) =>
          elementsAt(value, 'datacenters').flatMap((name, index) =>
            name === '' ? [refusedAt(['datacenters', index], 'must not be empty')] : [],
          ),
      ],
    },
  ),
);

const hashPolicy = structField(
  'One value that goes into the hash.',
  {
    field: choiceField('Source of the value.', ['header', 'cookie', 'query_parameter']),
    fieldValue: textField('Name of the header, cookie or parameter.'),
    cookieConfig: objectField(
      'Sets a cookie if the request has none; with field cookie only.',
      {
        session: flagField('The cookie ends with the session. Excludes ttl. Default: false.'),
        ttl: durationField('Lifetime of the cookie. Default: 0s.'),
        path: textField('Path of the cookie.'),
      },
      {
        rules: [
          (value) =>
            value['session'] === true && !/^(?:0[a-zµμ]*)*$/.test(textAt(value, 'ttl'))
              ? [refusedAt(['ttl'], 'is excluded by session; remove one of them')]
              : [],
        ],
      },
    ),
    sourceIP: flagField('Hashes the address of the caller. Excludes field and fieldValue. Default: false.'),
    terminal: flagField('Ends the list here, if a value was found. Default: false.'),
  },
  {
    rules: [
      excludes('sourceIP', ['field', 'fieldValue']),
      needs('field', 'fieldValue'),
      needs('fieldValue', 'field'),
      (value) =>
        has(value, 'cookieConfig') && textAt(value, 'field') !== 'cookie'
          ? [refusedAt(['cookieConfig'], 'goes only with field cookie')]
          : [],
    ],
  },
);

const HASHED = ['ring_hash', 'maglev'];

const balancing: EntryRule = (value) => {
  const policy = textAt(value, 'policy');
  const only = (key: string, isThere: boolean, policies: readonly string[]): RuleProblem[] =>
    isThere && !policies.includes(policy)
      ? [refusedAt([key], `goes only with policy ${policies.join(' or ')}`)]
      : [];
  return [
    ...only('ringHashConfig', has(value, 'ringHashConfig'), ['ring_hash']),
    ...only('leastRequestConfig', has(value, 'leastRequestConfig'), ['least_request']),
    ...only('hashPolicies', elementsAt(value, 'hashPolicies').length > 0, HASHED),
  ];
};

const subsetNames: EntryRule = (spec) => {
  const { subsets } = spec;
  const names = isObject(subsets) ? Object.keys(subsets) : [];
  return names
    .filter((name) => !SUBSET_NAME.test(name))
    .map((name) =>
      refusedAt(
        ['subsets', name],
        `${quote(name)} must be 1 to 63 of a-z 0-9 and -, with a letter or digit at both ends`,
      ),
    );
};

/** A subset of the service itself must be one of those that the object defines. */
const subsetsExist: EntryRule = (spec, own) => {
  const { subsets, redirect: elsewhere } = spec;
  const isKnown = (name: string): boolean => isObject(subsets) && Object.hasOwn(subsets, name);
  const missing = (path: RuleProblem['path'], name: string): RuleProblem[] =>
    name === '' || isKnown(name) ? [] : [refusedAt(path, `${quote(name)} is not in subsets`)];
  const ofOwn = (value: unknown, path: RuleProblem['path']): RuleProblem[] =>
    ['', own].includes(textAt(value, 'service'))
      ? missing([...path, 'serviceSubset'], textAt(value, 'serviceSubset'))
      : [];
  return [
    ...missing(['defaultSubset'], textAt(spec, 'defaultSubset')),
    ...(textAt(elsewhere, 'service') === own ? ofOwn(elsewhere, ['redirect']) : []),
    ...Object.entries(asObject(spec['failover'])).flatMap(([name, value]) => [
      ...(name === '*' || isKnown(name)
        ? []
        : [refusedAt(['failover', name], `${quote(name)} must be "*" or one of subsets`)]),
      ...ofOwn(value, ['failover', name]),
      ...objectsAt(asObject(value), 'targets').flatMap(([index, each]) =>
        textAt(each, 'peer') === '' ? ofOwn(each, ['failover', name, 'targets', index]) : [],
      ),
    ]),
  ];
};

export const serviceResolver: EntryKind = {
  kind: 'ServiceResolver',
  entryKind: 'service-resolver',
  plural: 'serviceresolvers',
  shortNames: ['service-resolver'],
  doc: 'Which instances answer for a service: subsets, redirects, failover and load balancing.',
  naming: { from: 'object' },
  fields: {
    defaultSubset: textField('Subset that answers when a request names none. Default: all instances.'),
    subsets: keyedField(
      'Name → the instances that belong to the subset. Names are 1 to 63 of a-z 0-9 and -.',
      structField(
        'The instances of one subset.',
        {
          filter: textField(
            'Filter expression of Consul, such as Service.Meta.version == v1. Default: all.',
            {
              check: filterCheck,
            },
          ),
          onlyPassing: flagField('Leaves out instances with a warning check, too. Default: false.'),
        },
        { rules: [selectorsAreKnown] },
      ),
    ),
    redirect,
    failover,
    connectTimeout: durationField('Connect timeout. Default: 5s.'),
    requestTimeout: durationField('Time that a request may take. Default: that of Envoy, 15s.'),
    loadBalancer: objectField(
      'How callers choose an instance.',
      {
        policy: choiceField('Load balancing policy. Default: random.', [
          'random',
          'round_robin',
          'least_request',
          'ring_hash',
          'maglev',
        ]),
        ringHashConfig: objectField('For policy ring_hash.', {
          minimumRingSize: countField('Minimum size of the ring. Default: that of Envoy, 1024.', 'denied'),
          maximumRingSize: countField('Maximum size of the ring. Default: that of Envoy, 8388608.', 'denied'),
        }),
        leastRequestConfig: objectField('For policy least_request.', {
          choiceCount: countField('Instances that are compared. Default: that of Envoy, 2.', 'denied'),
        }),
        hashPolicies: listField('What is hashed, for policies ring_hash and maglev.', hashPolicy),
      },
      { rules: [balancing] },
    ),
    prioritizeByLocality,
  },
  rules: [
    subsetNames,
    subsetsExist,
    (spec) =>
      has(spec, 'redirect') && Object.keys(asObject(property(spec, 'failover'))).length > 0
        ? [refusedAt(['redirect'], 'excludes failover; remove one of them')]
        : [],
  ],
};
