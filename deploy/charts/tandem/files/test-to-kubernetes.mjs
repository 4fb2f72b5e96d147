// helm test: a Consul service becomes a Service, and the Service goes with it.
import { consul, settled } from './consul.mjs';
import { kubernetes } from './request.mjs';

const { WRITE_NAMESPACE, PREFIX, TAG } = process.env;
const name = `tandem-test-${Date.now().toString(36)}`;
// The token of the sync may write its own node, and perhaps no other. Without global.owner the chart does not know its name.
const ownNode = process.env.SYNC_NODE;
const node = ownNode ?? `k8s-sync-${name}`;
const path = `/api/v1/namespaces/${WRITE_NAMESPACE}/services/${PREFIX.toLowerCase()}${name}`;

function until(status) {
  return settled(async () => {
    const found = await kubernetes('GET', path).then(
      () => 'there',
      ({ status: refused, message }) => (refused === 404 ? 'not there' : `refused: ${message}`),
    );
    return found === status ? undefined : `the Service of ${name} is ${found}`;
  });
}

await consul('PUT', '/v1/catalog/register', {
  Node: node,
  Address: '127.0.0.1',
  SkipNodeUpdate: true,
  Service: { ID: name, Service: name, Address: '192.0.2.1', Port: 80, Tags: TAG === '' ? [] : [TAG] },
});
try {
  await until('there');
} finally {
  await consul(
    'PUT',
    '/v1/catalog/deregister',
    ownNode === undefined ? { Node: node } : { Node: node, ServiceID: name },
  );
}
await until('not there');
process.stdout.write(`the service ${name} of Consul came to namespace ${WRITE_NAMESPACE}, and went again\n`);
