// helm test: a pod that asks for it comes back from the API server with a sidecar. Nothing is stored.
import { kubernetes } from './request.mjs';

const { TEST_NAMESPACE } = process.env;
// Of the restricted profile, so that no namespace refuses it for another reason.
const pod = {
  metadata: {
    generateName: 'tandem-test-',
    annotations: { 'consul.hashicorp.com/connect-inject': 'true' },
  },
  spec: {
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'web',
        image: 'example/web',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
};
const created = await kubernetes('POST', `/api/v1/namespaces/${TEST_NAMESPACE}/pods?dryRun=All`, pod);
const status = created.metadata.annotations?.['consul.hashicorp.com/connect-inject-status'];
if (status !== 'injected') throw new Error(`no sidecar: connect-inject-status is ${status}`);
process.stdout.write(`a pod in namespace ${TEST_NAMESPACE} gets its sidecar\n`);
