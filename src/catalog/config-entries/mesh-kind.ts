/** `Mesh`: settings of the mesh as a whole. */
import { warnedAt } from './entry-rules.ts';
import type { EntryKind } from './entry-table.ts';
import { choiceField, flagField, objectField, structField } from './field-builders.ts';
import { tlsFields, tlsRules, transparentOnly } from './shared-fields.ts';

export const mesh: EntryKind = {
  kind: 'Mesh',
  entryKind: 'mesh',
  plural: 'meshes',
  shortNames: [],
  doc: 'Settings of the mesh as a whole. Its name must be mesh.',
  naming: { from: 'none', only: 'mesh' },
  fields: {
    transparentProxy: structField('Transparent proxy.', {
      meshDestinationsOnly: flagField(
        'Lets transparent proxies reach only services of the mesh and external services that it knows. Default: false.',
      ),
    }),
    allowEnablingPermissiveMutualTLS: flagField(
      'Allows services to set mutualTLSMode to permissive. Turning it off leaves services permissive that are already. Default: false.',
    ),
    validateClusters: flagField(
      'Makes Envoy refuse a route to a cluster that it does not have, instead of answering 404. Default: false.',
    ),
    tls: objectField('TLS between proxies.', {
      incoming: objectField('Connections that proxies accept.', tlsFields, { rules: tlsRules }),
      outgoing: objectField('Connections that proxies make.', tlsFields, { rules: tlsRules }),
    }),
    http: objectField('HTTP in proxies.', {
      sanitizeXForwardedClientCert: flagField(
        'Removes the header X-Forwarded-Client-Cert before the service gets the request. Default: false.',
      ),
      incoming: objectField('Requests that proxies accept.', {
        requestNormalization: objectField(
          'How paths and headers are made uniform before intentions with permissions are checked.',
          {
            insecureDisablePathNormalization: flagField(
              'Leaves paths as they are; intentions by path can then be evaded. Default: false.',
            ),
            mergeSlashes: flagField('Merges consecutive slashes into one. Default: false.'),
            pathWithEscapedSlashesAction: choiceField(
              'What to do with a path that has an escaped slash. Default: IMPLEMENTATION_SPECIFIC_DEFAULT.',
              [
                'IMPLEMENTATION_SPECIFIC_DEFAULT',
                'KEEP_UNCHANGED',
                'REJECT_REQUEST',
                'UNESCAPE_AND_REDIRECT',
                'UNESCAPE_AND_FORWARD',
              ],
            ),
            headersWithUnderscoresAction: choiceField(
              'What to do with a header that has an underscore in its name. Default: ALLOW.',
              ['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER'],
            ),
          },
        ),
      }),
    }),
    peering: objectField('Cluster peering.', {
      peerThroughMeshGateways: flagField(
        'Sends the traffic between the servers of peers through mesh gateways. Default: false.',
      ),
    }),
  },
  rules: [
    transparentOnly('meshDestinationsOnly'),
    (spec) =>
      spec['allowEnablingPermissiveMutualTLS'] === false
        ? [
            warnedAt(
              ['allowEnablingPermissiveMutualTLS'],
              'false leaves services permissive that are so already; set mutualTLSMode of each to strict',
            ),
          ]
        : [],
  ],
};
