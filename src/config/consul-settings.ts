/** The flags of the access to Consul, and the settings that they make. Files are named here and read by the client. */
import { secret, type Secret } from '../support/secret.ts';
import { consulOrigins, parseConsulAddresses, type ConsulAddresses } from './consul-addresses.ts';
import { boolean, parsed, string } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

type ConsulToken =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly value: Secret }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'login'; readonly method: string; readonly bearerTokenFile: string };

export type ConsulSettings = {
  /** Those of a list have a port. */
  readonly addresses: ConsulAddresses;
  /** The servers that an auto-join string finds are asked over HTTPS. */
  readonly https: boolean;
  readonly token: ConsulToken;
  readonly caFile: string | undefined;
  /** Name that the certificate must carry; undefined: the host of the address. */
  readonly serverName: string | undefined;
  readonly datacenter: string | undefined;
  /** Consul Enterprise. */
  readonly namespace: string | undefined;
};

export const consulFlags = {
  consulHttpAddr: parsed<ConsulAddresses>(
    'Consul servers or agents, as [http[s]://]HOST[:PORT] separated by commas, or an auto-join string (provider=k8s …).',
    'ADDRESSES',
    ['http://127.0.0.1:8500'],
    parseConsulAddresses,
    { variables: ['CONSUL_HTTP_ADDR'] },
  ),
  consulHttpSsl: boolean('Use HTTPS also where --consul-http-addr does not say https.', false, {
    variables: ['CONSUL_HTTP_SSL'],
  }),
  consulToken: parsed<Secret | undefined>(
    'ACL token. Only from the environment, because process lists show command lines.',
    'TOKEN',
    undefined,
    (text) => ({ ok: true, value: secret(text.trim()) }),
    { variables: ['CONSUL_HTTP_TOKEN'], secret: true, environmentOnly: true },
  ),
  consulTokenFile: string('File with the ACL token. It is read again for each request.', 'FILE', undefined, {
    variables: ['CONSUL_HTTP_TOKEN_FILE'],
  }),
  consulAuthMethod: string(
    'ACL auth method to log in with. Tandem logs out when it stops.',
    'NAME',
    undefined,
  ),
  consulBearerTokenFile: string(
    'File with the token to present to the auth method.',
    'FILE',
    '/var/run/secrets/kubernetes.io/serviceaccount/token',
  ),
  consulCaFile: string(
    "CA that signed Consul's certificate (PEM). It is read again when it changes.",
    'FILE',
    undefined,
    {
      variables: ['CONSUL_CACERT'],
    },
  ),
  consulTlsServerName: string("Name that Consul's certificate must have.", 'NAME', undefined, {
    variables: ['CONSUL_TLS_SERVER_NAME'],
  }),
  consulDatacenter: string("Datacenter. Default: the server's own.", 'NAME', undefined),
  consulNamespace: string('Namespace in Consul Enterprise.', 'NAME', undefined, {
    variables: ['CONSUL_NAMESPACE'],
  }),
};

type ConsulValues = FlagValues<typeof consulFlags>;

/** One sentence for each pair of settings that contradict each other. */
export function consulFlagProblems(values: ConsulValues): string[] {
  const { consulAuthMethod, consulToken, consulTokenFile } = values;
  if (consulAuthMethod === undefined || (consulToken ?? consulTokenFile) === undefined) return [];
  return ['--consul-auth-method logs in for a token; leave out --consul-token-file and the token itself'];
}

export function consulSettings(values: ConsulValues): ConsulSettings {
  return {
    addresses: origins(values),
    https: values.consulHttpSsl || values.consulCaFile !== undefined,
    token: tokenOf(values),
    caFile: values.consulCaFile,
    serverName: values.consulTlsServerName,
    datacenter: values.consulDatacenter,
    namespace: values.consulNamespace,
  };
}

// As in Consul's own commands (api/api.go of Consul): the flag for TLS overrides the scheme of an address.
function origins({ consulHttpAddr: addresses, consulHttpSsl }: ConsulValues): ConsulAddresses {
  return 'kind' in addresses ? addresses : consulOrigins(addresses, consulHttpSsl);
}

// A file beats a value, as in Consul's own commands (CONSUL_HTTP_TOKEN_FILE over CONSUL_HTTP_TOKEN).
function tokenOf(values: ConsulValues): ConsulToken {
  const { consulAuthMethod: method, consulTokenFile: path, consulToken: value } = values;
  if (method !== undefined) return { kind: 'login', method, bearerTokenFile: values.consulBearerTokenFile };
  if (path !== undefined) return { kind: 'file', path };
  return value === undefined ? { kind: 'none' } : { kind: 'value', value };
}
