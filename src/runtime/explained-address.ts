/** The address of one pod, by the rules of the registrar. */
import type { ExplainedAddress } from '../catalog/mesh/explain-pod.ts';
import type { ObservedRegistration } from '../catalog/mesh/observed-registration.ts';
import { meshOf, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { createAddressBook } from '../controllers/address-book.ts';
import { createPodStatuses } from '../controllers/pod-statuses.ts';
import type { PodSnapshot } from '../controllers/pod-snapshot.ts';
import type { ConnectCatalog } from '../controllers/registrar-ports.ts';

/** @param inConsul undefined when Consul was not asked: then nobody else has the address */
export async function explainAddress(
  pod: InjectedPod,
  snapshot: PodSnapshot,
  inConsul:
    (Pick<ConnectCatalog, 'holders'> & { readonly instances: readonly ObservedRegistration[] }) | undefined,
  signal: AbortSignal,
): Promise<ExplainedAddress> {
  const { instances = [], holders = async () => [] } = inConsul ?? {};
  const book = createAddressBook({ snapshot, holders, loops: ['registrar'] });
  const addresses = book.loop('registrar');
  const proxy = instances.find(({ id }) => id === meshOf(pod)?.proxyId);
  const wanting = {
    pod,
    found: proxy && { name: proxy.proxy.destinationName, virtual: proxy.virtual },
  };
  addresses.readAll();
  await addresses.ask([wanting], signal);
  const virtual = addresses.grant(wanting);
  return { address: createPodStatuses(snapshot.cluster, book.statusOf).of(pod).address, virtual };
}
