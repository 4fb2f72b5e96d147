/** The renderings of the chart whose rights tests take away one by one. Each rule of a template is in one of them. */

const off = { enabled: false };

/** Of `tandem secure`, in a release with the name and the namespace of test/real/secure. */
export const SECURE = {
  own: {
    global: { secure: true, name: 'mesh', owner: 'east', acls: { createReplicationToken: true } },
    ui: { aclToken: { enabled: true } },
  },
  brought: {
    global: {
      secure: true,
      name: 'mesh',
      owner: 'east',
      gossipEncryption: { secretName: 'my-gossip', secretKey: 'key' },
      tls: { caCert: { secretName: 'my-ca' }, caKey: { secretName: 'my-ca' } },
    },
    server: { serverCert: { secretName: 'my-server' } },
    client: { cert: { secretName: 'my-client' } },
  },
  external: {
    global: {
      name: 'mesh',
      owner: 'east',
      acls: { manageSystemACLs: true, bootstrapToken: { secretName: 'mesh-brought' } },
    },
    server: off,
    client: off,
    dns: off,
    ui: off,
    externalServers: { enabled: true, hosts: ['127.0.0.1'], k8sAuthMethodHost: 'https://api.example' },
    connectInject: { authMethodType: 'jwt' },
  },
} as const;

const fromConsulOnly = { enabled: true, toConsul: false, toK8S: true, k8sWriteNamespace: 'from-consul' };
// Without agents on the nodes: dataplane mode.
const mesh = { connectInject: { enabled: true } };
const withoutEntries = { global: off, configEntries: off };

/** Of `tandem sync`. @param port of the only server of Consul, on this machine */
export function syncRenderings(port?: number) {
  const externalServers = { enabled: true, hosts: ['127.0.0.1'], httpPort: port };
  const common = { ...withoutEntries, externalServers };
  return {
    fromConsul: { ...common, global: { ...off, owner: 'one' }, syncCatalog: fromConsulOnly },
    toConsul: { ...common, ...mesh, syncCatalog: { enabled: true, ingress: { enabled: true } } },
    both: { ...common, ...mesh, syncCatalog: { ...fromConsulOnly, toConsul: true } },
    entries: {
      global: { ...off, owner: 'one' },
      externalServers,
      configEntries: { enabled: true, adopt: true },
      connectInject: { enabled: true, overrideAuthMethodName: 'pods' },
    },
  } as const;
}

/** Of the webhook, the redirector and `helm test`, which knows no owner of the cluster. */
export function everythingElse(port?: number) {
  return {
    global: off,
    externalServers: { enabled: true, hosts: ['127.0.0.1'], httpPort: port },
    connectInject: { enabled: true },
    syncCatalog: { ...fromConsulOnly, toConsul: true },
  } as const;
}
