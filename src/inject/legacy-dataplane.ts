/**
 * Pods in dataplane mode that were injected before their containers held the registration: the name is in the arguments,
 * and the rest in annotations, which count for such pods only, until they are replaced.
 */
import { INBOUND_PORT, UNPRIVILEGED_PORTS } from './names.ts';
import { property, textAt } from '../support/json.ts';
import { annotationReader } from './annotation-reader.ts';
import type { ReadMeshOptions } from './read-registration.ts';
import { readPod } from './pod.ts';
import { isReservedName, PROXY_SUFFIX } from '../model/consul-names.ts';
import { SERVICE_NAME } from './service-name.ts';
import { readPodService } from './service.ts';
import { readUpstreams } from './upstreams.ts';

// What the webhook wrote when it was not the default of its flag.
const DEFAULT_METRICS_PORT = 20_200;

/** @param proxyId as the sidecar asks for it: `<pod>-<service>-sidecar-proxy` */
export function readLegacyOptions(pod: unknown, proxyId: string): ReadMeshOptions {
  const read = readPod(pod);
  if (!read.ok) return read;
  const podName = textAt(property(pod, 'metadata'), 'name');
  const serviceId = proxyId.slice(0, -PROXY_SUFFIX.length);
  const name = serviceId.slice(podName.length + 1);
  const isOwn = proxyId.endsWith(PROXY_SUFFIX) && serviceId.startsWith(`${podName}-`);
  if (!isOwn || !SERVICE_NAME.test(name) || isReservedName(name))
    return { ok: false, problems: [{ at: '-proxy-id', message: 'is not of this pod, or names no service' }] };
  const reader = annotationReader(read.pod.annotations);
  const hasMetrics = reader.boolean('enable-metrics', false);
  const port = reader.wholeNumber('prometheus-scrape-port', DEFAULT_METRICS_PORT, UNPRIVILEGED_PORTS);
  const {
    port: ofService,
    tags,
    meta,
  } = readPodService(read.pod, reader, { name, nameSource: 'annotation' });
  // The webhook has checked the local ports against those of the sidecar, whose settings are not known here.
  const upstreams = readUpstreams(read.pod, reader, [], new Map(), 'envoy');
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems };
  return {
    ok: true,
    services: [
      {
        serviceId,
        proxyId,
        inboundPort: INBOUND_PORT,
        service: {
          name,
          port: ofService,
          tags: tags.map((tag) => (tag === '$POD_NAME' ? podName : tag)),
          meta,
        },
        upstreams,
        isTransparent: false,
        exposed: [],
        config: hasMetrics ? { envoy_prometheus_bind_addr: `0.0.0.0:${port}` } : {},
        nameSource: 'annotation',
        kubernetesService: undefined,
      },
    ],
  };
}
