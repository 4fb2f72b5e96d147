/** The hook of a container that stops, as the kubelet calls it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Container } from '@kubernetes/client-node';
import { hostAndPort } from '../../../src/support/ip-address.ts';

/** Whatever comes of a request, the container is stopped behind it; its status counts for nothing (pkg/kubelet/lifecycle). */
export async function preStop({ name, lifecycle }: V1Container, ip: string): Promise<void> {
  if (lifecycle?.preStop === undefined) return;
  const { sleep, httpGet } = lifecycle.preStop;
  if (sleep !== undefined) await delay(sleep.seconds * 1000);
  else if (httpGet !== undefined) {
    const { path = '/', port } = httpGet;
    await fetch(`http://${hostAndPort(ip, Number(port))}${path}`).catch(() => undefined);
  } else throw new Error(`${name}: commands as hooks are not played here`);
}
