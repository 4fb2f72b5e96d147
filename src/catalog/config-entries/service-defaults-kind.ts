/** `ServiceDefaults`: settings of all instances of one service. */
import {
  isDnsName,
  excludes,
  has,
  notEmpty,
  oneFieldOf,
  pathCheck,
  refusedAt,
  unique,
  warnedAt,
} from './entry-rules.ts';
import { isIpAddress } from '../../support/ip-address.ts';
import { asString, elementsAt } from '../../support/json.ts';
import { quote } from '../../support/text.ts';
import type { EntryKind, EntryRule } from './entry-table.ts';
import {
  choiceField,
  countField,
  integerField,
  listField,
  objectField,
  structField,
  textField,
  textsField,
} from './field-builders.ts';
import {
  envoyExtensions,
  expose,
  meshGateway,
  mutualTLSMode,
  portRule,
  protocol,
  proxyModeFields,
  proxyModeRules,
  upstreamConfig,
} from './shared-fields.ts';

const rate = {
  requestsPerSecond: countField('Requests per second that are let through. Default: 0, no limit.', 'refused'),
  requestsMaxBurst: countField('Burst of requests beyond the rate. Default: requestsPerSecond.', 'refused'),
};

const needsTransparentProxy: EntryRule = (spec) =>
  has(spec, 'destination') ? [warnedAt(['destination'], 'has an effect only with transparent proxy')] : [];

const addresses: EntryRule = (value) =>
  elementsAt(value, 'addresses').flatMap((address, index) =>
    typeof address === 'string' && !isIpAddress(address) && !isDnsName(address)
      ? [
          refusedAt(
            ['addresses', index],
            `${quote(address)} must be an IP address or a host name without wildcard`,
          ),
        ]
      : [],
  );

export const serviceDefaults: EntryKind = {
  kind: 'ServiceDefaults',
  entryKind: 'service-defaults',
  plural: 'servicedefaults',
  shortNames: ['service-defaults'],
  doc: 'Settings of all instances of one service: its protocol, limits, upstreams, and how its sidecars work.',
  naming: { from: 'object' },
  fields: {
    protocol: protocol(
      'Protocol of the service. Routers, splitters and intentions with permissions need http, http2 or grpc. Default: that of proxy-defaults, else tcp.',
      'refused',
    ),
    ...proxyModeFields,
    mutualTLSMode,
    meshGateway: meshGateway('the service'),
    expose,
    externalSNI: textField(
      'Server name of a service outside the mesh, for TLS. Excludes subsets, splitters and routers.',
      {
        consulKey: 'ExternalSNI',
      },
    ),
    upstreamConfig,
    destination: objectField(
      'Makes the service an external one, which terminating gateways reach. Excludes upstreamConfig.',
      {
        addresses: textsField('IP addresses or host names of the service.'),
        port: integerField('Port of the service, 1 to 65535.'),
      },
      {
        rules: [
          notEmpty('addresses'),
          unique('addresses', asString, 'address'),
          addresses,
          portRule('refused'),
        ],
      },
    ),
    maxInboundConnections: countField(
      'Connections at a time that a sidecar accepts for one instance. Default: 0, no limit.',
      'denied',
    ),
    localConnectTimeoutMs: countField(
      'Milliseconds that the sidecar waits for a connection to the service itself. Default: 5000.',
      'denied',
    ),
    localRequestTimeoutMs: countField(
      'Milliseconds that the service may take to answer an HTTP request. Default: that of Envoy, 15000.',
      'denied',
    ),
    balanceInboundConnections: choiceField(
      "How connections are spread over Envoy's threads. Default: empty, by the kernel.",
      ['exact_balance'],
    ),
    rateLimits: objectField(
      'Limits on the rate of requests.',
      {
        instanceLevel: structField('For each instance.', {
          ...rate,
          routes: listField(
            'Limits for single paths; the first that matches applies.',
            objectField(
              'One path.',
              {
                pathExact: textField('The whole path.', { check: pathCheck }),
                pathPrefix: textField('Prefix of the path.', { check: pathCheck }),
                pathRegex: textField('Regular expression for the path.'),
                ...rate,
              },
              { rules: [oneFieldOf(['pathExact', 'pathPrefix', 'pathRegex'], 'exactly one')] },
            ),
          ),
        }),
      },
      { enterpriseExcept: [] },
    ),
    envoyExtensions,
  },
  rules: [...proxyModeRules, excludes('upstreamConfig', ['destination'], has), needsTransparentProxy],
};
