/** `ProxyDefaults`: settings of all proxies in the mesh. */
import { deniedAt, jsonCheck, oneFieldOf, refusedAt } from './entry-rules.ts';
import { isObject, textAt } from '../../support/json.ts';
import { quote } from '../../support/text.ts';
import type { EntryKind, EntryRule } from './entry-table.ts';
import {
  choiceField,
  flagField,
  objectField,
  opaqueField,
  structField,
  textField,
  textsField,
} from './field-builders.ts';
import {
  envoyExtensions,
  expose,
  meshGateway,
  mutualTLSMode,
  prioritizeByLocality,
  protocols,
  proxyModeFields,
  proxyModeRules,
} from './shared-fields.ts';

const LONGEST_SOCKET_FOLDER = 70;

const configRule: EntryRule = (spec) => {
  const config = spec['config'];
  if (!isObject(config)) return [];
  const { protocol, envoy_hcp_metrics_bind_socket_dir: folder } = config;
  return [
    // Consul expects a text here, and accepts a number or a boolean as one.
    ...(typeof protocol === 'object' && protocol !== null
      ? [refusedAt(['config', 'protocol'], 'must be a text')]
      : []),
    ...(typeof protocol === 'string' &&
    protocol !== '' &&
    !(protocols as readonly string[]).includes(protocol)
      ? [
          deniedAt(
            ['config', 'protocol'],
            `${quote(protocol)} must be one of ${protocols.join(', ')}; it is that of every service without its own`,
          ),
        ]
      : []),
    ...(typeof folder === 'string' && Buffer.byteLength(folder) > LONGEST_SOCKET_FOLDER
      ? [
          refusedAt(
            ['config', 'envoy_hcp_metrics_bind_socket_dir'],
            `must not have more than ${LONGEST_SOCKET_FOLDER} bytes`,
          ),
        ]
      : []),
  ];
};

const pathOfLog: EntryRule = (value) => {
  const isFile = textAt(value, 'type') === 'file';
  const hasPath = textAt(value, 'path') !== '';
  if (isFile === hasPath) return [];
  return [refusedAt(['path'], isFile ? 'is required with type file' : 'goes only with type file')];
};

export const proxyDefaults: EntryKind = {
  kind: 'ProxyDefaults',
  entryKind: 'proxy-defaults',
  plural: 'proxydefaults',
  shortNames: ['proxy-defaults'],
  doc: 'Settings of all proxies in the mesh. Its name must be global.',
  naming: { from: 'object', only: 'global' },
  fields: {
    ...proxyModeFields,
    mutualTLSMode,
    config: opaqueField(
      'Settings of the proxies by their names in Consul, such as protocol and local_connect_timeout_ms. Names and values are passed on as they are.',
    ),
    meshGateway: meshGateway('every service'),
    expose,
    accessLogs: structField(
      'Access logs of the proxies.',
      {
        enabled: flagField('Writes access logs. Default: false.'),
        disableListenerLogs: flagField(
          'Leaves out the logs of connections that match no filter chain. Default: false.',
        ),
        type: choiceField('Where the logs go. Default: stdout.', ['stdout', 'stderr', 'file']),
        path: textField('File of the logs, with type file only.'),
        jsonFormat: textField("JSON with Envoy's placeholders for each line.", {
          consulKey: 'JSONFormat',
          check: jsonCheck,
        }),
        textFormat: textField("Text with Envoy's placeholders for each line."),
      },
      { rules: [pathOfLog, oneFieldOf(['jsonFormat', 'textFormat'], 'at most one')] },
    ),
    envoyExtensions,
    failoverPolicy: objectField('How services fail over if their resolver does not say.', {
      mode: choiceField('Order of the targets. Default: sequential.', ['sequential', 'order-by-locality']),
      regions: textsField('Regions, the preferred one first, for order-by-locality.'),
    }),
    prioritizeByLocality,
  },
  rules: [...proxyModeRules, configRule],
};
