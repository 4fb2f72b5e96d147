/** `IngressGateway` and `TerminatingGateway`: the entries of gateways. */
import { elementsAt, isObject, numberAt, property, textAt, type JsonObject } from '../../support/json.ts';
import { quote } from '../../support/text.ts';
import { isDnsName, isSet, notEmpty, objectsAt, refusedAt, unique } from './entry-rules.ts';
import type { EntryKind, EntryRule, FieldTable, RuleProblem } from './entry-table.ts';
import {
  countField,
  choiceField,
  flagField,
  integerField,
  listField,
  namespaceField,
  objectField,
  opaqueField,
  partitionField,
  structField,
  textField,
  textsField,
} from './field-builders.ts';
import { headers, passiveHealthCheck, portRule, protocols, tlsFields, tlsRules } from './shared-fields.ts';

const sds = objectField('Certificate from a secret discovery service.', {
  clusterName: textField('Envoy cluster of the secret discovery service.'),
  certResource: textField('Name of the certificate there.'),
});

const gatewayTLS: FieldTable = {
  enabled: flagField('Accepts only TLS connections. Default: false.'),
  sds,
  ...tlsFields,
};

const limits: FieldTable = {
  maxConnections: countField('Connections at a time to one instance. Default: that of Envoy.', 'denied'),
  maxPendingRequests: countField('Requests that wait for a connection. Default: that of Envoy.', 'denied'),
  maxConcurrentRequests: countField('Requests at a time to one instance. Default: that of Envoy.', 'denied'),
  passiveHealthCheck,
};

const service = structField('One service.', {
  name: textField('Name of the service, or * for all services.', { isRequired: true }),
  hosts: textsField(
    'Host names of requests for the service; not with protocol tcp. Default: <service>.ingress.*',
  ),
  namespace: namespaceField,
  partition: partitionField,
  tls: objectField('TLS of the hosts of the service.', { sds }),
  requestHeaders: headers('the request'),
  responseHeaders: headers('the response'),
  ...limits,
});

const listener = structField(
  'One port.',
  {
    port: integerField('Port that the gateway listens on, 1 to 65535.'),
    protocol: choiceField('Protocol of the port. It must be that of the services.', protocols, {
      fold: 'lower',
      absentMeans: 'tcp',
    }),
    tls: objectField('TLS of the port; by default that of the gateway.', gatewayTLS, { rules: tlsRules }),
    services: listField('Services behind the port; exactly one with protocol tcp.', service),
  },
  {
    rules: [
      notEmpty('services'),
      portRule('denied'),
      unique('services', (each) => textAt(each, 'name') || undefined, 'name'),
      tcpRules,
      hostsAreUnique,
    ],
  },
);

function protocolOf(value: JsonObject): string {
  return textAt(value, 'protocol').toLowerCase() || 'tcp';
}

function tcpRules(value: JsonObject): readonly RuleProblem[] {
  const services = objectsAt(value, 'services');
  const wildcards = services.flatMap(([index, each]) =>
    textAt(each, 'name') === '*' && elementsAt(each, 'hosts').length > 0
      ? [refusedAt(['services', index, 'hosts'], 'cannot be used with the service "*"')]
      : [],
  );
  if (protocolOf(value) !== 'tcp') return wildcards;
  return [
    ...wildcards,
    ...(services.length > 1 ? [refusedAt(['services'], 'must be one service with protocol tcp')] : []),
    ...services.flatMap(([index, each]) => [
      ...(textAt(each, 'name') === '*'
        ? [refusedAt(['services', index, 'name'], '"*" cannot be used with protocol tcp')]
        : []),
      ...(elementsAt(each, 'hosts').length > 0 && textAt(each, 'name') !== '*'
        ? [refusedAt(['services', index, 'hosts'], 'cannot be used with protocol tcp')]
        : []),
      ...['requestHeaders', 'responseHeaders']
        .filter((key) => isSet(each, key) && Object.values(property(each, key) as object).some(isNotEmpty))
        .map((key) => refusedAt(['services', index, key], 'cannot be used with protocol tcp')),
    ]),
  ];
}

function isNotEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function hostsAreUnique(value: JsonObject): readonly RuleProblem[] {
  const seen = new Set<string>();
  return objectsAt(value, 'services').flatMap(([index, each]) =>
    elementsAt(each, 'hosts').flatMap((host, at): RuleProblem[] => {
      if (typeof host !== 'string') return [];
      const isTwice = seen.has(host);
      seen.add(host);
      return isTwice
        ? [refusedAt(['services', index, 'hosts', at], `${quote(host)} is there twice on this port`)]
        : [];
    }),
  );
}

/** Hosts are names; whether `*` is one depends on the TLS of the gateway as a whole. */
const hostNames: EntryRule = (spec) =>
  objectsAt(spec, 'listeners').flatMap(([at, each]) =>
    objectsAt(each, 'services').flatMap(([index, one]) =>
      elementsAt(one, 'hosts').flatMap((host, position): RuleProblem[] => {
        if (typeof host !== 'string') return [];
        const path = ['listeners', at, 'services', index, 'hosts', position];
        if (host === '*')
          return property(spec['tls'], 'enabled') === true
            ? [refusedAt(path, '"*" cannot be used with TLS')]
            : [];
        return isDnsName(host.replace(/^\*\./, ''))
          ? []
          : [refusedAt(path, `${quote(host)} must be a host name, with "*" as its first label only`)];
      }),
    ),
  );

type Sds = { readonly hasCluster: boolean; readonly hasCert: boolean };

function sdsOf(value: unknown): Sds {
  const found = property(property(value, 'tls'), 'sds');
  return { hasCluster: isSet(found, 'clusterName'), hasCert: isSet(found, 'certResource') };
}

/** A certificate needs a cluster at its own level or above, and a cluster a certificate at its level or below. */
const certificates: EntryRule = (spec) => {
  const gateway = sdsOf(spec);
  if (gateway.hasCert && !gateway.hasCluster)
    return [refusedAt(['tls', 'sds', 'clusterName'], 'is required with certResource')];
  return objectsAt(spec, 'listeners').flatMap(([at, each]) => {
    const own = sdsOf(each);
    const path = ['listeners', at, 'tls', 'sds'];
    return [
      ...((own.hasCluster || (gateway.hasCluster && !gateway.hasCert)) && !own.hasCert
        ? [refusedAt([...path, 'certResource'], 'is required with clusterName')]
        : []),
      ...(own.hasCert && !own.hasCluster && !gateway.hasCluster
        ? [refusedAt([...path, 'clusterName'], 'is required with certResource, here or in spec.tls.sds')]
        : []),
      ...objectsAt(each, 'services').flatMap(([index, one]): RuleProblem[] => {
        const { hasCert, hasCluster } = sdsOf(one);
        const within = ['listeners', at, 'services', index];
        if (!hasCert) return [];
        return [
          ...(elementsAt(one, 'hosts').length === 0
            ? [refusedAt([...within, 'hosts'], 'is required with tls.sds.certResource')]
            : []),
          ...(hasCluster || own.hasCluster || gateway.hasCluster
            ? []
            : [refusedAt([...within, 'tls', 'sds', 'clusterName'], 'is required with certResource')]),
        ];
      }),
    ];
  });
};

export const ingressGateway: EntryKind = {
  kind: 'IngressGateway',
  entryKind: 'ingress-gateway',
  plural: 'ingressgateways',
  shortNames: ['ingress-gateway'],
  doc: 'Which services an ingress gateway exposes to the outside. Consul has deprecated it; use API gateways.',
  naming: { from: 'object' },
  fields: {
    tls: structField('TLS of all ports.', gatewayTLS, { rules: tlsRules }),
    defaults: objectField('Limits of every service, where it has none of its own.', limits),
    listeners: listField('Ports of the gateway.', listener),
  },
  rules: [
    unique('listeners', (each) => (isObject(each) ? String(numberAt(each, 'port')) : undefined), 'port'),
    hostNames,
    certificates,
  ],
};

const FILES = ['caFile', 'certFile', 'keyFile'];

export const terminatingGateway: EntryKind = {
  kind: 'TerminatingGateway',
  entryKind: 'terminating-gateway',
  plural: 'terminatinggateways',
  shortNames: ['terminating-gateway'],
  doc: 'Which services outside the mesh a terminating gateway reaches.',
  naming: { from: 'object' },
  fields: {
    services: listField(
      'Services that the gateway reaches.',
      structField(
        'One service.',
        {
          name: textField('Name of the service, or * for all services.', { isRequired: true }),
          namespace: namespaceField,
          caFile: textField('File in the gateway with the CA of the service.', { consulKey: 'CAFile' }),
          certFile: textField('File in the gateway with the certificate that it shows.'),
          keyFile: textField('File in the gateway with the key of that certificate.'),
          sni: textField('Server name for TLS.'),
          disableAutoHostRewrite: flagField(
            'Leaves the host of requests as it is, instead of that of the service. Default: false.',
          ),
          secretRef: opaqueField(
            'Reserved for gateways that Kubernetes runs; it has no effect on the entry.',
            {
              isNotSent: true,
            },
          ),
        },
        {
          rules: [
            (value) => {
              const missing = FILES.filter((key) => !isSet(value, key));
              const needsAll = isSet(value, 'certFile') || isSet(value, 'keyFile');
              return needsAll && missing.length > 0
                ? missing.map((key) => refusedAt([key], 'is required with certFile and keyFile'))
                : [];
            },
          ],
        },
      ),
    ),
    deployment: opaqueField('Reserved for gateways that Kubernetes runs; it has no effect on the entry.', {
      isNotSent: true,
    }),
  },
  rules: [unique('services', (each) => textAt(each, 'name') || undefined, 'name')],
};
