/** `tandem certs`: a CA and a serving certificate for those who manage the webhook configuration by hand. */
import { presentFiles, writeFolder } from '../certificates/certificate-folder.ts';
import { generateCa, generateServing } from '../certificates/generate.ts';
import { serviceNames } from '../certificates/service-names.ts';
import { boolean, list, string } from '../config/flag.ts';
import type { CertificatesTarget } from '../runtime/certs-secret.ts';
import type { Environment, FlagValues } from '../config/parse-flags.ts';
import { command, exit } from './command.ts';
import { tell } from '../runtime/tell.ts';

const flags = {
  dir: string('Folder for ca.crt, ca.key, tls.crt and tls.key.', 'DIR', 'certs'),
  hosts: list('DNS names and addresses that the serving certificate is for.', 'HOSTS', [
    'localhost',
    '127.0.0.1',
    '::1',
  ]),
  service: string('Service in the cluster, NAME.NAMESPACE; adds its DNS names.', 'NAME', undefined),
  secret: string('Write to this Secret, NAMESPACE/NAME, instead of the folder.', 'NAME', undefined),
  kubeconfig: string(
    'Access to the Secret; else KUBECONFIG, ~/.kube/config, or the service account of the pod.',
    'FILE',
    undefined,
  ),
  force: boolean('Replace the certificates that are there.', false),
  printCaBundle: boolean('Print caBundle of the webhook configuration (base64) to stdout.', false),
};

export const certsCommand = command({
  operands: '',
  flags,
  examples: [
    'tandem certs --dir=certs',
    'tandem certs --dir=certs --service=tandem-webhook.tandem --print-ca-bundle',
    'tandem certs --secret=tandem/tandem-webhook-tls --service=tandem-webhook.tandem',
  ],
  check: ({ secret }) =>
    secret === undefined || SECRET.test(secret) ? [] : ['--secret is not NAMESPACE/NAME'],
  run: async (values, _positionals, { environment, stdout, stderr }) => {
    const target = values.secret === undefined ? folderOf(values.dir) : await secretOf(values, environment);
    const present = await target.present();
    if (present !== undefined && !values.force) {
      tell(stderr, `tandem certs: ${present}; --force replaces it`);
      return exit.internal;
    }
    const hosts = [...namesOf(values.service), ...values.hosts];
    const now = Date.now();
    const ca = await generateCa(now);
    await target.write({ ca, serving: await generateServing(ca, hosts, now) });
    tell(stderr, `wrote ca.crt, ca.key, tls.crt and tls.key to ${target.name}, for ${hosts.join(', ')}`);
    if (values.printCaBundle) stdout.write(`${Buffer.from(ca.certificate).toString('base64')}\n`);
    return exit.done;
  },
});

const SECRET = /^(?<namespace>[a-z0-9-]+)\/(?<name>[a-z0-9.-]+)$/;

function folderOf(dir: string): CertificatesTarget {
  return {
    name: dir,
    present: async () => {
      const files = await presentFiles(dir);
      return files.length === 0 ? undefined : `${dir} holds ${files.join(', ')} already`;
    },
    write: (made) => writeFolder(dir, made),
  };
}

/** Loaded when it is asked for: the client of the API server takes half a second. */
async function secretOf(
  { secret: place = '', kubeconfig }: FlagValues<typeof flags>,
  environment: Environment,
): Promise<CertificatesTarget> {
  const { secretTarget } = await import('../runtime/certs-secret.ts');
  const { namespace = '', name = '' } = SECRET.exec(place)?.groups ?? {};
  return secretTarget({ namespace, name }, kubeconfig, environment);
}

function namesOf(service: string | undefined): readonly string[] {
  if (service === undefined) return [];
  const [name = '', namespace = 'default'] = service.split('.');
  return serviceNames(name, namespace);
}
