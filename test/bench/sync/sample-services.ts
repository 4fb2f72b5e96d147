/** Services with ready endpoints, as JSON of the Kubernetes API. */

export const ENDPOINTS = 5;

export function serviceName(index: number): string {
  return `web-${index}`;
}

export function sampleService(index: number): object {
  return {
    metadata: { name: serviceName(index) },
    spec: { clusterIP: 'None', selector: { app: serviceName(index) }, ports: [{ name: 'http', port: 80 }] },
  };
}

/**
 * @param isReady of the first endpoint; the others always are
 * @param replaced how many pods there were before all that is at the last one's place
 */
export function sampleSlice(index: number, isReady: boolean, endpoints = ENDPOINTS, replaced = 0): object {
  return {
    metadata: {
      name: `${serviceName(index)}-slice`,
      labels: {
        'kubernetes.io/service-name': serviceName(index),
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpoints }, (_, endpoint) => ({
      addresses: [
        addressOf(
          replaced > 0 && endpoint === endpoints - 1 ? REPLACED + replaced : index * endpoints + endpoint,
        ),
      ],
      conditions: { ready: isReady || endpoint > 0, serving: true, terminating: false },
      nodeName: `node-${(index + endpoint) % 100}`,
      zone: `zone-${endpoint % 3}`,
      targetRef: {
        kind: 'Pod',
        namespace: 'default',
        name: `${serviceName(index)}-7d4b9c6f5d-${endpoint}`,
        uid: `00000000-0000-4000-8000-${String(index * endpoints + endpoint).padStart(12, '0')}`,
      },
    })),
  };
}

// No cluster of the benchmark has so many endpoints.
const REPLACED = 1 << 23;

/** The n-th address of 10.0.0.0/8. */
function addressOf(n: number): string {
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}
