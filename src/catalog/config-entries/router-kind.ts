/** `ServiceRouter`: which service answers, by path, header and parameter. */
import { elementsAt, property } from '../../support/json.ts';
import { quote } from '../../support/text.ts';
import { isSet, methodsRule, oneFieldOf, pathCheck, refusedAt, regexRule, warnedAt } from './entry-rules.ts';
import type { EntryKind } from './entry-table.ts';
import {
  choiceField,
  countField,
  durationField,
  flagField,
  integerField,
  listField,
  namespaceField,
  objectField,
  partitionField,
  structField,
  textField,
} from './field-builders.ts';
import { headers } from './shared-fields.ts';

const RETRY_ON = [
  '5xx',
  'gateway-error',
  'reset',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
] as const;

const match = objectField('Requests that match. Default: all.', {
  http: objectField(
    'Requests that match.',
    {
      caseInsensitive: flagField('Ignores the case of the path. Default: false.'),
      pathExact: textField('The whole path.', { check: pathCheck }),
      pathPrefix: textField('Prefix of the path.', { check: pathCheck }),
      pathRegex: textField('Regular expression (RE2) for the whole path.'),
      methods: listField('HTTP methods; none: all of them.', textField('', { fold: 'upper' })),
      header: listField(
        'Headers that the request must have, all of them.',
        structField(
          'One header.',
          {
            name: textField('Name of the header.', { isRequired: true }),
            present: flagField('The header is there, whatever its value.'),
            exact: textField('The whole value.'),
            prefix: textField('Prefix of the value.'),
            suffix: textField('Suffix of the value.'),
            regex: textField('Regular expression (RE2) for the whole value.'),
            invert: flagField('Inverts the match. Default: false.'),
          },
          {
            rules: [
              oneFieldOf(['present', 'exact', 'prefix', 'suffix', 'regex'], 'exactly one'),
              regexRule('regex'),
            ],
          },
        ),
      ),
      queryParam: listField(
        'Parameters that the request must have, all of them.',
        structField(
          'One parameter.',
          {
            name: textField('Name of the parameter.', { isRequired: true }),
            present: flagField('The parameter is there, whatever its value.'),
            exact: textField('The whole value.'),
            regex: textField('Regular expression (RE2) for the whole value.'),
          },
          { rules: [oneFieldOf(['present', 'exact', 'regex'], 'exactly one'), regexRule('regex')] },
        ),
      ),
    },
    {
      rules: [
        oneFieldOf(['pathExact', 'pathPrefix', 'pathRegex'], 'at most one'),
        methodsRule,
        regexRule('pathRegex'),
      ],
    },
  ),
});

const destination = objectField('Where the requests go. Default: the service itself.', {
  service: textField('Service that answers. Default: the service itself.'),
  serviceSubset: textField('Subset of that service.'),
  namespace: namespaceField,
  partition: partitionField,
  prefixRewrite: textField('What replaces the matched part of the path; needs pathExact or pathPrefix.'),
  idleTimeout: durationField('Time without traffic after which the request ends. Default: that of Envoy.'),
  requestTimeout: durationField('Time that a request may take. Default: that of Envoy, 15s.'),
  numRetries: countField(
    'Number of retries of a request. Default: 1 with another retry setting, else 0.',
    'denied',
  ),
  retryOnConnectFailure: flagField('Retries when a connection fails. Default: false.'),
  retryOn: listField('Retry conditions of Envoy.', choiceField('', RETRY_ON)),
  retryOnStatusCodes: listField(
    'Status codes that cause a retry.',
    integerField('', { least: 100, most: 599, level: 'denied' }),
  ),
  requestHeaders: headers('the request'),
  responseHeaders: headers('the response'),
});

export const serviceRouter: EntryKind = {
  kind: 'ServiceRouter',
  entryKind: 'service-router',
  plural: 'servicerouters',
  shortNames: ['service-router'],
  doc: 'Which service answers, by path, header and parameter. The service must have an HTTP-like protocol.',
  naming: { from: 'object' },
  fields: {
    routes: listField(
      'Routes; the first that matches applies.',
      structField(
        'One route.',
        { match, destination },
        {
          rules: [
            (route) => {
              const http = property(property(route, 'match'), 'http');
              const rewrite = property(route, 'destination');
              return isSet(rewrite, 'prefixRewrite') &&
                !isSet(http, 'pathExact') &&
                !isSet(http, 'pathPrefix')
                ? [refusedAt(['destination', 'prefixRewrite'], 'needs match.http.pathExact or pathPrefix')]
                : [];
            },
          ],
        },
      ),
    ),
  },
  rules: [
    (spec) =>
      elementsAt(spec, 'routes').length === 0
        ? []
        : [
            warnedAt(
              ['routes'],
              `needs a service with the protocol ${['http', 'http2', 'grpc'].map(quote).join(', ')} (ServiceDefaults)`,
            ),
          ],
  ],
};
