/** The baseline of every first registration: what others do, one request after the other. */
import type { Consul } from '../real/harness/consul.ts';

/** Seconds for each instance with its check when it is registered by a request of its own, as other syncers do it. */
export async function oneByOne(consul: Consul, count: number): Promise<number> {
  const start = performance.now();
  for (let index = 0; index < count; index += 1) {
    const id = `single-${index}`;
    await consul.call('PUT', '/v1/catalog/register', {
      Node: 'one-by-one',
      Address: '127.0.0.1',
      SkipNodeUpdate: true,
      Service: { ID: id, Service: `single-${index % 100}`, Address: '10.255.0.1', Port: 80, Tags: ['k8s'] },
      Check: {
        CheckID: `${id}-readiness`,
        Name: 'Kubernetes Readiness Check',
        Status: 'passing',
        ServiceID: id,
      },
    });
  }
  const seconds = (performance.now() - start) / 1000;
  await consul.call('PUT', '/v1/catalog/deregister', { Node: 'one-by-one' });
  return seconds / count;
}
