/** The AdmissionReview of a new pod, as an API server sends it. */

export function podReview(name: string, annotations: Readonly<Record<string, string>>, secret = ''): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace: 'shop',
      name,
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'shop', annotations },
        spec: { containers: [{ name: 'main', image: 'main', env: [{ name: 'PASSWORD', value: secret }] }] },
      },
    },
  };
}
