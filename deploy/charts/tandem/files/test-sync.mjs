// helm test: a Service of Kubernetes arrives in Consul, and leaves it when it is deleted.
import { consul, settled } from './consul.mjs';
import { kubernetes } from './request.mjs';

const { TEST_NAMESPACE } = process.env;
const name = `tandem-test-${Date.now().toString(36)}`;

function until(count) {
  return settled(async () => {
    const { length } = await consul('GET', `/v1/catalog/service/${name}`);
    return length === count ? undefined : `${length} instances of ${name} in Consul, and not ${count}`;
  });
}

// An ExternalName Service needs no pods.
const service = {
  metadata: {
    name,
    annotations: { 'consul.hashicorp.com/service-sync': 'true', 'consul.hashicorp.com/service-name': name },
  },
  spec: { type: 'ExternalName', externalName: 'tandem-test.invalid', ports: [{ port: 80 }] },
};
const path = `/api/v1/namespaces/${TEST_NAMESPACE}/services`;
await kubernetes('POST', path, service);
try {
  await until(1);
} finally {
  await kubernetes('DELETE', `${path}/${name}`);
}
await until(0);
process.stdout.write(`the Service ${TEST_NAMESPACE}/${name} came to Consul, and went again\n`);
