/** Flags of several commands that are few enough for each `--help` to describe them. */
import { string } from './flag.ts';

export const kubeconfigFlag = {
  kubeconfig: string(
    'Kubeconfig file. Without it: KUBECONFIG, ~/.kube/config, or the service account of the pod.',
    'FILE',
    undefined,
  ),
};

export const leaseNamespaceFlag = {
  leaseNamespace: string('Namespace of the Lease. Default: the namespace of the pod.', 'NAME', undefined, {
    variables: ['POD_NAMESPACE'],
  }),
};
