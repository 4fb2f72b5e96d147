/** `JWTProvider`: who issues JSON Web Tokens, and how they are verified. */
import { parseGoDuration } from '../../support/go-duration.ts';
import { property, textAt } from '../../support/json.ts';
import { has, oneFieldOf, refusedAt } from './entry-rules.ts';
import type { EntryKind } from './entry-table.ts';
import {
  choiceField,
  countField,
  durationField,
  flagField,
  integerField,
  listField,
  objectField,
  textField,
  textsField,
} from './field-builders.ts';

const named = (what: string): ReturnType<typeof objectField> =>
  objectField(`${what} that has the token.`, { name: textField('Its name.', { isRequired: true }) });

const local = objectField(
  'Keys that are given here.',
  {
    jwks: textField('JSON of the keys in base64.', {
      check: (text) =>
        /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? undefined : 'must be base64',
      isSecret: true,
    }),
    filename: textField('File with the keys, in every proxy that needs them.'),
  },
  { rules: [oneFieldOf(['jwks', 'filename'], 'exactly one')] },
);

const trustedCA = objectField(
  'CA that the server of the keys is verified with.',
  {
    filename: textField('File with the CA, in every proxy that needs it.'),
    environmentVariable: textField('Variable of the proxy with the CA.'),
    inlineString: textField('The CA as PEM.'),
    inlineBytes: { type: 'bytes', doc: 'The CA as PEM in base64.' },
  },
  {
    rules: [oneFieldOf(['filename', 'environmentVariable', 'inlineString', 'inlineBytes'], 'exactly one')],
  },
);

const remote = objectField('Keys that are fetched.', {
  uri: textField('URL of the keys.', {
    isRequired: true,
    check: (text) => (URL.canParse(text) || text.startsWith('/') ? undefined : 'must be a URL'),
  }),
  requestTimeoutMs: countField('Timeout of a fetch in milliseconds.', 'denied'),
  cacheDuration: durationField('Time that keys are kept. Default: that of Envoy, 10m.'),
  fetchAsynchronously: flagField(
    'Fetches with the first request instead of before the listener starts. Default: false.',
  ),
  useSNI: flagField('Sends the host of the URL as server name.', { since: '1.21' }),
  retryPolicy: objectField('Retries of a failed fetch.', {
    numRetries: countField('Number of retries. Default: 0.', 'denied'),
    retryPolicyBackOff: objectField(
      'Time between retries.',
      {
        baseInterval: durationField('Time before the first retry. Default: 1s.'),
        maxInterval: durationField('Maximum time. Default: 10 times baseInterval.'),
      },
      {
        rules: [
          (value) => {
            const [base, most] = ['baseInterval', 'maxInterval'].map(
              (key) => parseGoDuration(textAt(value, key)) ?? 0n,
            );
            return base !== undefined && most !== undefined && most !== 0n && base > most
              ? [refusedAt(['maxInterval'], 'must not be less than baseInterval')]
              : [];
          },
        ],
      },
    ),
  }),
  jwksCluster: objectField(
    'How the server of the keys is reached.',
    {
      discoveryType: choiceField('How its addresses are found. Default: STRICT_DNS.', [
        'STRICT_DNS',
        'STATIC',
        'LOGICAL_DNS',
        'EDS',
        'ORIGINAL_DST',
      ]),
      connectTimeout: durationField('Connect timeout. Default: 5s.'),
      tlsCertificates: objectField(
        'How its certificate is verified.',
        {
          caCertificateProviderInstance: objectField('Certificates of a provider in Envoy.', {
            instanceName: textField('Name of the provider. Default: default.'),
            certificateName: textField('Name of the certificate there.'),
          }),
          trustedCA,
        },
        {
          consulKey: 'TLSCertificates',
          rules: [oneFieldOf(['caCertificateProviderInstance', 'trustedCA'], 'exactly one', 'refused', has)],
        },
      ),
    },
    { consulKey: 'JWKSCluster' },
  ),
});

export const jwtProvider: EntryKind = {
  kind: 'JWTProvider',
  entryKind: 'jwt-provider',
  plural: 'jwtproviders',
  shortNames: [],
  doc: 'Who issues JSON Web Tokens, and how they are verified. Intentions refer to it.',
  naming: { from: 'object' },
  fields: {
    jsonWebKeySet: objectField(
      'Keys that tokens are verified with.',
      { local, remote },
      { consulKey: 'JSONWebKeySet', rules: [oneFieldOf(['local', 'remote'], 'exactly one', 'refused', has)] },
    ),
    issuer: textField('Issuer that the token must name (iss). Default: any.'),
    audiences: textsField('Audiences (aud); the token must name one of them. Default: any.'),
    locations: listField(
      'Where the token is in a request. Default: the header Authorization, and the parameter access_token.',
      objectField(
        'One place.',
        {
          header: objectField('Header that has the token.', {
            name: textField('Its name.', { isRequired: true }),
            valuePrefix: textField('Text before the token in the value, such as "Bearer ".'),
            forward: flagField('Leaves the header in the request. Default: false.'),
          }),
          queryParam: named('Parameter'),
          cookie: named('Cookie'),
        },
        { rules: [oneFieldOf(['header', 'queryParam', 'cookie'], 'exactly one', 'refused', has)] },
      ),
    ),
    forwarding: objectField('Passes the verified payload on to the service.', {
      headerName: textField('Header that gets the payload of the token in base64.', { isRequired: true }),
      padForwardPayloadHeader: flagField('Pads the base64. Default: false.'),
    }),
    clockSkewSeconds: integerField('Clock skew allowed, in seconds. Default: 30.', {
      absentMeans: 30,
      least: 0,
      level: 'denied',
    }),
    cacheConfig: objectField('Cache of verified tokens.', {
      size: countField('Tokens that are kept. Default: 0, none.', 'denied'),
    }),
  },
  rules: [(spec) => (property(spec, 'jsonWebKeySet') ? [] : [refusedAt(['jsonWebKeySet'], 'is required')])],
};
