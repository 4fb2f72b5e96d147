/** New certificates in a folder or a Secret, for `tandem certs`. */
import { presentFiles, writeFolder } from '../certificates/certificate-folder.ts';
import { generateCa, generateServing } from '../certificates/generate.ts';
import { serviceDnsNames } from '../certificates/service-names.ts';
import type { Environment } from '../config/parse-flags.ts';
import type { CertificatesTarget } from './certs-secret.ts';

type NewCertificates =
  | { readonly kind: 'present'; readonly present: string }
  | {
      readonly kind: 'written';
      readonly name: string;
      readonly hosts: readonly string[];
      /** Base64, as in a webhook configuration. */
      readonly caBundle: string;
    };

type Values = {
  readonly dir: string;
  /** NAMESPACE/NAME; undefined writes to the folder. */
  readonly secret: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly service: string | undefined;
  readonly hosts: readonly string[];
  readonly force: boolean;
};

export async function newCertificates(values: Values, environment: Environment): Promise<NewCertificates> {
  const target = values.secret === undefined ? folderOf(values.dir) : await secretOf(values, environment);
  const present = await target.present();
  if (present !== undefined && !values.force) return { kind: 'present', present };
  const hosts = [...namesOf(values.service), ...values.hosts];
  const now = Date.now();
  const ca = await generateCa(now);
  await target.write({ ca, serving: generateServing(ca, hosts, now) });
  const caBundle = Buffer.from(ca.certificate).toString('base64');
  return { kind: 'written', name: target.name, hosts, caBundle };
}

const SECRET = /^(?<namespace>[a-z0-9-]+)\/(?<name>[a-z0-9.-]+)$/;

export function isSecretName(text: string): boolean {
  return SECRET.test(text);
}

function folderOf(dir: string): CertificatesTarget {
  return {
    name: dir,
    present: async () => {
      const files = await presentFiles(dir);
      return files.length === 0 ? undefined : `${dir} already holds ${files.join(', ')}`;
    },
    write: (made) => writeFolder(dir, made),
  };
}

/** Loaded only when it is needed: the client of the API server takes half a second. */
async function secretOf(
  { secret: place = '', kubeconfig }: Values,
  environment: Environment,
): Promise<CertificatesTarget> {
  const { secretTarget } = await import('./certs-secret.ts');
  const { namespace = '', name = '' } = SECRET.exec(place)?.groups ?? {};
  return secretTarget({ namespace, name }, kubeconfig, environment);
}

function namesOf(service: string | undefined): readonly string[] {
  if (service === undefined) return [];
  const [name = '', namespace = 'default'] = service.split('.');
  return serviceDnsNames(name, namespace);
}
