/** Fields that several kinds share. */
import { elementsAt, numberAt, property, textAt } from '../../support/json.ts';
import { quote } from '../../support/text.ts';
import { deniedAt, jsonCheck, noWildcard, pathCheck, refusedAt, unique, warnedAt } from './entry-rules.ts';
import type { EntryField, EntryRule, FieldTable, ObjectField, ProblemLevel } from './entry-table.ts';
import {
  choiceField,
  countField,
  durationField,
  flagField,
  integerField,
  listField,
  mapField,
  namespaceField,
  objectField,
  opaqueField,
  partitionField,
  structField,
  textField,
  textsField,
} from './field-builders.ts';

export const protocols = ['tcp', 'http', 'http2', 'grpc'] as const;

export function protocol(doc: string, level: ProblemLevel): EntryField {
  return choiceField(doc, protocols, { fold: 'lower', level });
}

export function meshGateway(subject: string): ObjectField {
  return structField(`How ${subject} reaches services in other datacenters and peers.`, {
    mode: choiceField(
      'Gateway that traffic passes: none at all, that of the local datacenter, or that of the remote one.',
      ['none', 'local', 'remote'],
      { level: 'denied' },
    ),
  });
}

/** `{}` of consul-k8s; each of its fields must be empty. */
export const proxyModeFields: FieldTable = {
  mode: {
    ...textField('Must be empty; the annotation of pods is used instead.'),
    check: () => 'must be empty; use the annotation consul.hashicorp.com/transparent-proxy',
    level: 'denied',
  },
  transparentProxy: structField('Transparent proxy. It is switched on by the annotation of pods, not here.', {
    outboundListenerPort: integerField('Must be 0; the annotation of pods is used instead.'),
    dialedDirectly: flagField(
      'Lets transparent proxies reach each instance by its own address, and not only the service. Default: false.',
    ),
  }),
};

/** Rules about the fields above, for the whole `spec`. */
export const proxyModeRules: readonly EntryRule[] = [
  (spec) =>
    numberAt(spec['transparentProxy'], 'outboundListenerPort') === 0
      ? []
      : [
          deniedAt(
            ['transparentProxy', 'outboundListenerPort'],
            'must be 0; use the annotation consul.hashicorp.com/transparent-proxy-outbound-listener-port',
          ),
        ],
  transparentOnly('dialedDirectly'),
];

/** About a flag of `transparentProxy`, for the whole `spec`. */
export function transparentOnly(key: string): EntryRule {
  return (spec) =>
    property(spec['transparentProxy'], key) === true
      ? [warnedAt(['transparentProxy', key], 'has an effect only with transparent proxy')]
      : [];
}

/** The port is required. */
export function portRule(level: ProblemLevel): EntryRule {
  return (value) => {
    const port = numberAt(value, 'port');
    return port < 1 || port > 65_535 ? [{ path: ['port'], message: 'must be from 1 to 65535', level }] : [];
  };
}

export const mutualTLSMode = choiceField(
  'Whether the sidecar accepts connections without mutual TLS. Default: that of proxy-defaults, else strict. permissive needs allowEnablingPermissiveMutualTLS of Mesh.',
  ['strict', 'permissive'],
);

const PORT = { least: 0, most: 65_535, level: 'denied' } as const;

export const expose = structField(
  'Paths that the sidecar serves without mutual TLS, for probes and metrics.',
  {
    checks: flagField('Exposes the paths of all HTTP and gRPC checks of the service. Default: false.'),
    paths: listField(
      'Paths that are exposed.',
      objectField('One path.', {
        listenerPort: integerField('Port that the sidecar listens on.', PORT),
        path: textField('Path on that port.', { check: pathCheck, level: 'denied' }),
        localPathPort: integerField('Port of the service that answers.', PORT),
        protocol: choiceField('Protocol of the path. Default: http.', ['http', 'http2'], { level: 'denied' }),
      }),
    ),
  },
);

const PERCENT = { least: 0, most: 100 } as const;

export const passiveHealthCheck = objectField(
  'Ejects instances that answer with errors from load balancing, for a while.',
  {
    interval: durationField('Time between two evaluations of the failures. Default: that of Envoy, 10s.'),
    maxFailures: countField(
      'Consecutive failures that eject an instance. Default: that of Envoy, 5.',
      'refused',
    ),
    enforcingConsecutive5xx: integerField(
      'Chance in percent that an instance with that many failures is ejected. Default: 100.',
      {
        ...PERCENT,
        isPointer: true,
      },
    ),
    maxEjectionPercent: integerField(
      'Percentage of the instances that may be ejected at a time. Default: 10.',
      {
        ...PERCENT,
        isPointer: true,
      },
    ),
    baseEjectionTime: durationField(
      'Time for which an instance is ejected, multiplied by the number of its ejections. Default: 30s.',
      {
        isPointer: true,
        // consul-k8s sends it; without it an entry that consul-k8s wrote would never be equal.
        sentWhenAbsent: '30s',
      },
    ),
  },
);

const upstreamFields: FieldTable = {
  name: textField('Name of the upstream service.'),
  namespace: namespaceField,
  partition: partitionField,
  peer: textField('Peer that has the upstream service.'),
  envoyListenerJSON: textField("JSON of Envoy's listener, in place of the one that Consul makes.", {
    check: jsonCheck,
    level: 'denied',
    isSecret: true,
  }),
  envoyClusterJSON: textField("JSON of Envoy's cluster, in place of the one that Consul makes.", {
    check: jsonCheck,
    level: 'denied',
    isSecret: true,
  }),
  protocol: protocol('Protocol of the upstream. Default: that of its own service-defaults.', 'denied'),
  connectTimeoutMs: countField('Connect timeout in milliseconds. Default: 5000.', 'denied'),
  limits: objectField('Limits of the upstream. A limit of 0 is not the same as none.', {
    maxConnections: countField('Connections at a time.', 'refused', { isPointer: true }),
    maxPendingRequests: countField('Requests that wait for a connection.', 'refused', { isPointer: true }),
    maxConcurrentRequests: countField('Requests at a time.', 'refused', { isPointer: true }),
  }),
  passiveHealthCheck,
  meshGateway: meshGateway('the upstream'),
};

export const upstreamConfig = objectField(
  'Settings of the upstreams of the service.',
  {
    defaults: objectField('For every upstream.', upstreamFields, {
      rules: [
        (value) => (textAt(value, 'name') === '' ? [] : [refusedAt(['name'], 'must be empty in defaults')]),
      ],
    }),
    overrides: listField(
      'For single upstreams; they override the defaults.',
      objectField('One upstream.', {
        ...upstreamFields,
        name: textField('Name of the upstream service.', {
          isRequired: true,
          check: noWildcard,
        }),
      }),
    ),
  },
  {
    rules: [
      unique(
        'overrides',
        (upstream) => `${textAt(upstream, 'name')}\0${textAt(upstream, 'peer')}`,
        'name and peer',
        'denied',
      ),
    ],
  },
);

export const headers = (whose: string): ObjectField =>
  objectField(
    `Changes to the headers of ${whose}.`,
    {
      add: mapField('Headers that are added to those of the same name.'),
      set: mapField('Headers that replace those of the same name.'),
      remove: textsField('Names of headers that are removed.'),
    },
    { rules: [headerNames] },
  );

const headerNames: EntryRule = (value) => [
  ...['add', 'set'].flatMap((key) => {
    const table = value[key];
    return typeof table === 'object' && table !== null && Object.hasOwn(table, '')
      ? [deniedAt([key], 'has a header with an empty name')]
      : [];
  }),
  ...elementsAt(value, 'remove').flatMap((name, index) =>
    name === '' ? [deniedAt(['remove', index], 'must not be empty')] : [],
  ),
];

/** Those of Consul 1.20 (agent/envoyextensions/registered_extensions.go). */
const EXTENSIONS = [
  'builtin/aws/lambda',
  'builtin/ext-authz',
  'builtin/lua',
  'builtin/otel-access-logging',
  'builtin/property-override',
  'builtin/wasm',
];

export const envoyExtensions = listField(
  "Extensions of Envoy's configuration, in the order in which they apply.",
  objectField('One extension.', {
    name: textField(`Name of the extension. Consul 1.20 has ${EXTENSIONS.join(', ')}.`, {
      isRequired: true,
      level: 'warning',
      check: (name) =>
        EXTENSIONS.includes(name)
          ? undefined
          : `is no extension of Consul 1.20, which refuses it; it has ${EXTENSIONS.join(', ')}`,
    }),
    required: flagField('If the extension fails, the proxy gets no configuration. Default: false.'),
    arguments: opaqueField('Arguments of the extension; Consul checks them.'),
  }),
);

export const jwtRequirement = (subject: string): ObjectField =>
  objectField(`JSON Web Tokens that ${subject} must have.`, {
    providers: listField(
      'Providers; one of them must accept a token.',
      objectField('One provider.', {
        name: textField('Name of a JWTProvider.', { isRequired: true }),
        verifyClaims: listField(
          'Claims that the token must have.',
          objectField('One claim.', {
            path: textsField('Keys that lead to the claim in the token.'),
            value: textField('Value of the claim.'),
          }),
        ),
      }),
    ),
  });

export const prioritizeByLocality = objectField('Prefers nearby instances.', {
  mode: textField('How: failover or none.', { enterpriseExcept: [] }),
});

const tlsVersions = ['TLS_AUTO', 'TLSv1_0', 'TLSv1_1', 'TLSv1_2', 'TLSv1_3'] as const;

const MODERN = ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'AES_128_CBC_SHA', 'AES_256_CBC_SHA'];
const cipherSuites: readonly string[] = [
  ...['ECDSA', 'RSA'].flatMap((key) =>
    [...MODERN, 'CHACHA20_POLY1305_SHA256'].map((cipher) => `TLS_ECDHE_${key}_WITH_${cipher}`),
  ),
  ...MODERN.map((cipher) => `TLS_RSA_WITH_${cipher}`),
];

export const tlsFields: FieldTable = {
  tlsMinVersion: choiceField('Minimum TLS version. Default: TLSv1_2.', tlsVersions, {
    consulKey: 'TLSMinVersion',
  }),
  tlsMaxVersion: choiceField('Maximum TLS version. Default: that of Envoy, TLSv1_3.', tlsVersions, {
    consulKey: 'TLSMaxVersion',
  }),
  cipherSuites: listField(
    'Ciphers for versions before TLSv1_3, the preferred one first. Default: those of Envoy.',
    choiceField('', cipherSuites),
  ),
};

export const tlsRules: readonly EntryRule[] = [
  (value) => {
    const [least, most] = ['tlsMinVersion', 'tlsMaxVersion'].map((key) =>
      tlsVersions.findIndex((version) => version === textAt(value, key)),
    );
    // TLS_AUTO, at 0, has no place in the order.
    return (least ?? 0) > 0 && (most ?? 0) > 0 && (least ?? 0) > (most ?? 0)
      ? [
          refusedAt(
            ['tlsMinVersion'],
            `${quote(textAt(value, 'tlsMinVersion'))} is newer than tlsMaxVersion, ${quote(textAt(value, 'tlsMaxVersion'))}`,
          ),
        ]
      : [];
  },
  (value) =>
    textAt(value, 'tlsMinVersion') === 'TLSv1_3' && elementsAt(value, 'cipherSuites').length > 0
      ? [refusedAt(['cipherSuites'], 'has no effect with tlsMinVersion TLSv1_3; remove it')]
      : [],
];
