/** The Secret as a place for `tandem certs`, in the form that the replicas of `tandem webhook` share. */
import type { Certificates } from '../certificates/certificate-folder.ts';
import { writeContent } from '../certificates/secret-content.ts';
import type { Environment } from '../config/parse-flags.ts';
import { apiClient } from '../kubernetes/api-client.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { readOwned, writeCertificate, type SecretPlace } from '../kubernetes/owned-object.ts';
import { TandemError } from '../support/errors.ts';

export type CertificatesTarget = {
  readonly name: string;
  /** What exists already, as a clause; undefined when nothing does. */
  readonly present: () => Promise<string | undefined>;
  readonly write: (made: Certificates) => Promise<void>;
};

/** @throws TandemError TANDEM_KUBECONFIG_INVALID */
export async function secretTarget(
  place: SecretPlace,
  kubeconfig: string | undefined,
  environment: Environment,
): Promise<CertificatesTarget> {
  const client = apiClient(await clusterAccess({ kubeconfig, environment }));
  const name = `the Secret ${place.namespace}/${place.name}`;
  let before: unknown;
  return {
    name,
    present: async () => {
      before = await readOwned(client, { kind: 'Secret', ...place });
      return before === undefined ? undefined : `${name} already exists`;
    },
    write: async ({ ca, serving }) => {
      const outcome = await writeCertificate(client, place, before, writeContent({ ca, older: [], serving }));
      client.close();
      if (outcome === 'written') return;
      const text = `${name} was changed meanwhile, or its namespace does not exist; try again`;
      throw new TandemError('TANDEM_KUBERNETES_REFUSED', text);
    },
  };
}
