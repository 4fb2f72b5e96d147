/** What this Consul takes on this machine now: the measure of every load that follows. */
import type { Consul } from '../real/harness/consul.ts';
import { figure } from './figure.ts';

const NODE = 'capacity';
const IN_FLIGHT = [1, 8, 32];

/**
 * Registers instances with a check for so many seconds with each number of calls in flight, and removes them.
 *
 * @returns the most registrations a second
 */
export async function consulCapacity(consul: Consul, seconds: number): Promise<number> {
  const rates: number[] = [];
  for (const inFlight of IN_FLIGHT) {
    const rate = await registrationsASecond(consul, inFlight, seconds);
    rates.push(rate);
    const calls = `${inFlight} ${inFlight === 1 ? 'call' : 'calls'} in flight`;
    figure(`Consul: registrations, ${calls}`, rate, '/s', '');
  }
  return Math.max(...rates);
}

async function registrationsASecond(consul: Consul, inFlight: number, seconds: number): Promise<number> {
  const begin = performance.now();
  let count = 0;
  const registerOn = async (): Promise<void> => {
    while (performance.now() - begin < seconds * 1000) {
      count += 1;
      await register(consul, `instance-${count}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, registerOn));
  const rate = count / ((performance.now() - begin) / 1000);
  await consul.call('PUT', '/v1/catalog/deregister', { Node: NODE });
  return rate;
}

async function register(consul: Consul, id: string): Promise<void> {
  await consul.call('PUT', '/v1/catalog/register', {
    Node: NODE,
    Address: '127.0.0.1',
    SkipNodeUpdate: true,
    Service: { ID: id, Service: 'capacity', Address: '10.255.0.1', Port: 80, Tags: ['k8s'] },
    Check: {
      CheckID: `${id}-readiness`,
      Name: 'Kubernetes Readiness Check',
      Status: 'passing',
      ServiceID: id,
    },
  });
}
