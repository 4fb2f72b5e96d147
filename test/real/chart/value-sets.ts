/** The set-ups that people run, as values of the chart. */

/** Everything off but these. */
const only = (values: object): object => ({ global: { enabled: false }, ...values });

export const valueSets: Readonly<Record<string, object>> = {
  'as it comes': {},
  'a single node': {
    server: { replicas: 1, affinity: 'preferred' },
    connectInject: { replicas: 1 },
    syncCatalog: { replicas: 1 },
  },
  'three servers on one node': { server: { affinity: 'preferred' } },
  'clients of an external cluster': only({
    client: {
      enabled: true,
      join: ['provider=aws tag_key=consul tag_value=server'],
    },
    connectInject: { enabled: true },
    syncCatalog: { enabled: true },
  }),
  // Between sets without servers: from an open Consul, and back, one comes by stages.
  'a secure Consul': { global: { secure: true }, ui: { aclToken: { enabled: true } } },
  'a Consul on its way to be secure, and dataplane mode': {
    global: { secure: 'prefer', acls: { createReplicationToken: true } },
    client: { enabled: false },
    secure: {
      affinity: { nodeAffinity: {} },
      serviceAccount: { annotations: { note: 'x' } },
      ...placement(),
    },
  },
  'a secure Consul with a CA, certificates and a gossip key of the operator': {
    global: {
      secure: true,
      gossipEncryption: { secretName: 'gossip', secretKey: 'key' },
      tls: { caCert: { secretName: 'ca' }, caKey: { secretName: 'ca' } },
    },
    server: { serverCert: { secretName: 'server' } },
    client: { cert: { secretName: 'client' } },
  },
  'the sync alone, with an external cluster over TLS': only({
    global: { enabled: false, tls: { enabled: true, caCert: { secretName: 'consul-ca' } } },
    externalServers: {
      enabled: true,
      hosts: ['10.0.0.1', 'consul.example'],
      tlsServerName: 'server.dc1.consul',
    },
    syncCatalog: { enabled: true, aclSyncToken: { secretName: 'consul-token' } },
  }),
  'the ACLs of external servers, and pods that log in by jwt': {
    global: {
      owner: 'east',
      tls: { enabled: true, caCert: { secretName: 'consul-ca' } },
      acls: { manageSystemACLs: true, bootstrapToken: { secretName: 'bootstrap' } },
    },
    server: { enabled: false },
    client: { enabled: false },
    dns: { enabled: false },
    ui: { enabled: false },
    externalServers: { enabled: true, hosts: ['consul.example'], k8sAuthMethodHost: 'https://api.example' },
    connectInject: { authMethodType: 'jwt', k8sAllowNamespaces: ['shop'] },
  },
  'servers and dataplane mode, without an agent on any node': { client: { enabled: false } },
  'dataplane mode and nothing of the catalog, with an external cluster over TLS': only({
    global: { enabled: false, tls: { enabled: true, caCert: { secretName: 'consul-ca' } } },
    externalServers: {
      enabled: true,
      hosts: ['consul.example'],
      grpcPort: 8503,
      tlsServerName: 'server.dc1.consul',
    },
    connectInject: { enabled: true, overrideAuthMethodName: 'pods' },
  }),
  OpenShift: { global: { openshift: { enabled: true } } },
  'OpenShift, with agents on the nodes': {
    global: { openshift: { enabled: true } },
    client: { enabled: true },
  },
  'both directions, into a namespace of its own': {
    global: { owner: 'one' },
    syncCatalog: { toK8S: true, k8sPrefix: 'consul-', k8sWriteNamespace: 'from-consul' },
  },
  "Consul's services as aliases, and nothing else": only({
    externalServers: { enabled: true, hosts: ['10.0.0.1', '10.0.0.2'] },
    syncCatalog: {
      enabled: true,
      toConsul: false,
      toK8S: true,
      toK8SMode: 'external-name',
      toK8SServices: ['shop-*'],
      toK8STag: 'shared',
      toK8SFilter: 'ServiceMeta.team == "a"',
      aclSyncToken: { secretName: 'consul-token' },
    },
  }),
  'the webhook alone, with a certificate of its own': only({
    connectInject: { enabled: true, certs: { secretName: 'tandem-webhook-tls', caBundle: 'Q0E=' } },
  }),
  'every value that adds something': {
    global: {
      name: 'consul',
      imagePullPolicy: 'Always',
      imagePullSecrets: [{ name: 'pull' }],
      owner: 'one',
      recursors: ['10.0.0.2'],
      gossipEncryption: { secretName: 'gossip', secretKey: 'key' },
    },
    server: {
      replicas: 5,
      bootstrapExpect: 5,
      storageClass: 'fast',
      affinity: { nodeAffinity: {} },
      extraConfig: { log_level: 'debug' },
      extraVolumes: [
        { type: 'secret', name: 'consul-acl', load: true },
        { type: 'configMap', name: 'consul-notes' },
      ],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'consul' } },
        },
      ],
      ...placement(),
    },
    client: {
      dataDirectoryHostPath: null,
      extraVolumes: [{ type: 'secret', name: 'consul-acl', load: true }],
      affinity: { nodeAffinity: {} },
      ...placement(),
    },
    dns: { type: 'LoadBalancer', annotations: { note: 'x' } },
    ui: { service: { type: 'NodePort', nodePort: { http: 30080 }, annotations: { note: 'x' } } },
    connectInject: {
      default: true,
      defaultExcludeNamespaces: ['build-*'],
      k8sDenyNamespaces: ['legacy'],
      namespaceSelector: {
        matchLabels: { mesh: 'yes' },
        matchExpressions: [{ key: 'team', operator: 'Exists' }],
      },
      overrideAuthMethodName: 'pods',
      envoyExtraArgs: '--log-level debug',
      webhookAnnotations: { 'cert-manager.io/inject-ca-from': 'tandem/webhook' },
      metrics: { defaultEnabled: true },
      networkPolicy: {
        enabled: true,
        apiServerFrom: [{ ipBlock: { cidr: '10.0.0.0/28' } }],
        statusFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      },
      affinity: { nodeAffinity: {} },
      serviceAccount: { annotations: { note: 'x' } },
      ...placement(),
    },
    syncCatalog: {
      consulPrefix: 'k8s-',
      consulNodeName: 'cluster-one',
      ingress: { enabled: true, loadBalancerIPs: true, mode: 'add' },
      adopt: true,
      authMethod: 'sync',
      networkPolicy: { enabled: true },
      affinity: { nodeAffinity: {} },
      serviceAccount: { annotations: { note: 'x' } },
      ...placement(),
    },
  },
};

function placement(): object {
  return {
    annotations: { note: 'x' },
    extraLabels: { team: 'mesh' },
    tolerations: [{ key: 'dedicated', operator: 'Exists' }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    priorityClassName: 'system-cluster-critical',
  };
}
