/** `tandem certs`: a CA and a serving certificate for those who manage the webhook configuration by hand. */
import { boolean, list, string } from '../config/flag.ts';
import { exit } from '../runtime/context.ts';
import { isSecretName, newCertificates } from '../runtime/new-certificates.ts';
import { tell } from '../runtime/tell.ts';
import { command } from './command.ts';

const flags = {
  dir: string('Folder for ca.crt, ca.key, tls.crt and tls.key.', 'DIR', 'certs'),
  hosts: list('DNS names and addresses that the serving certificate covers.', 'HOSTS', [
    'localhost',
    '127.0.0.1',
    '::1',
  ]),
  service: string('Service in the cluster, as NAME.NAMESPACE. Its DNS names are added.', 'NAME', undefined),
  secret: string('Write to this Secret, NAMESPACE/NAME, instead of the folder.', 'NAME', undefined),
  kubeconfig: string(
    'Kubeconfig file for access to the Secret. Without it: KUBECONFIG, ~/.kube/config, or the service account of the pod.',
    'FILE',
    undefined,
  ),
  force: boolean('Replace existing certificates.', false),
  printCaBundle: boolean('Print the caBundle for the webhook configuration (base64) to stdout.', false),
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
    secret === undefined || isSecretName(secret) ? [] : ['--secret must have the form NAMESPACE/NAME'],
  run: async (values, _positionals, { environment, stdout, stderr }) => {
    const outcome = await newCertificates(values, environment);
    if (outcome.kind === 'present') {
      tell(stderr, `tandem certs: ${outcome.present}; --force replaces it`);
      return exit.internal;
    }
    const { name, hosts, caBundle } = outcome;
    tell(stderr, `wrote ca.crt, ca.key, tls.crt and tls.key to ${name}, for ${hosts.join(', ')}`);
    if (values.printCaBundle) stdout.write(`${caBundle}\n`);
    return exit.done;
  },
});
