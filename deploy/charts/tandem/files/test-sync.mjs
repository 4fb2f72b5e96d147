// helm test: a Service of Kubernetes arrives in Consul, and leaves it when it is deleted.
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { kubernetes, request } from './request.mjs';

const { TEST_NAMESPACE, CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN_FILE, CONSUL_CACERT, CONSUL_TLS_SERVER_NAME } =
  process.env;
const SECONDS = 60;
const name = `tandem-test-${Date.now().toString(36)}`;
const addresses = CONSUL_HTTP_ADDR.split(',').map((each) =>
  /^https?:/.test(each) ? each : `http://${each}`,
);
const options = {
  ...(CONSUL_HTTP_TOKEN_FILE && {
    headers: { 'x-consul-token': readFileSync(CONSUL_HTTP_TOKEN_FILE, 'utf8').trim() },
  }),
  ...(CONSUL_CACERT && { ca: readFileSync(CONSUL_CACERT) }),
  ...(CONSUL_TLS_SERVER_NAME && { servername: CONSUL_TLS_SERVER_NAME }),
};

/** How many instances Consul has, from the first server that answers. */
async function instances() {
  const problems = [];
  for (const address of addresses) {
    try {
      const { status, content } = await request(`${address}/v1/catalog/service/${name}`, options);
      if (status === 200) return JSON.parse(content).length;
      problems.push(`${address}: ${status} ${content}`);
    } catch (error) {
      problems.push(`${address}: ${error.message}`);
    }
  }
  throw new Error(problems.join('\n'));
}

async function until(count) {
  const deadline = Date.now() + SECONDS * 1000;
  for (;;) {
    const found = await instances();
    if (found === count) return;
    if (Date.now() > deadline)
      throw new Error(`${found} instances of ${name} in Consul, and not ${count}, after ${SECONDS} s`);
    await wait(250);
  }
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
