/** Client certificates of an API server, and the files that name them. */
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import type { Credentials } from './api-client.ts';

/** What a user is known by: the common name, and the group as the organization. */
export async function clientPair(ca: KeyPair, user: string, group?: string): Promise<KeyPair> {
  // Few files ask for one, and to load it takes a fifth of a second.
  const { generate } = await import('selfsigned');
  const names = [
    { name: 'commonName', value: user },
    ...(group === undefined ? [] : [{ name: 'organizationName', value: group }]),
  ];
  const made = await generate(names, {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    ca: { cert: ca.certificate, key: ca.key },
    extensions: [
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', clientAuth: true },
    ],
  });
  return { certificate: made.cert, key: made.private };
}

/** JSON is YAML: what kubectl and helm read. */
export function kubeconfig(server: string, ca: string, credentials: Credentials): object {
  const encode = (pem: string): string => Buffer.from(pem).toString('base64');
  const user =
    credentials === undefined
      ? {}
      : 'token' in credentials
        ? { token: credentials.token }
        : {
            'client-certificate-data': encode(credentials.certificate),
            'client-key-data': encode(credentials.key),
          };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'real', cluster: { server, 'certificate-authority-data': encode(ca) } }],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'real', context: { cluster: 'real', user: 'user' } }],
    'current-context': 'real',
  };
}
