/** `tandem certs`: a CA and a serving certificate for those who manage the webhook configuration by hand. */
import { presentFiles, writeFolder } from '../certificates/certificate-folder.ts';
import { generateCa, generateServing } from '../certificates/generate.ts';
import { serviceNames } from '../certificates/service-names.ts';
import { boolean, list, string } from '../config/flag.ts';
import { command, exit } from './command.ts';

const flags = {
  dir: string('Folder for ca.crt, ca.key, tls.crt and tls.key.', 'DIR', 'certs'),
  hosts: list('DNS names and addresses that the serving certificate is for.', 'HOSTS', [
    'localhost',
    '127.0.0.1',
    '::1',
  ]),
  service: string('Service in the cluster, NAME.NAMESPACE; adds its DNS names.', 'NAME', undefined),
  force: boolean('Replace the certificates that are there.', false),
  printCaBundle: boolean('Print caBundle of the webhook configuration (base64) to stdout.', false),
};

export const certsCommand = command({
  name: 'certs',
  summary: 'Write a CA and a serving certificate to a folder',
  operands: '',
  flags,
  examples: [
    'tandem certs --dir=certs',
    'tandem certs --dir=certs --service=tandem-webhook.tandem --print-ca-bundle',
  ],
  run: async (values, _positionals, { stdout, stderr }) => {
    const present = await presentFiles(values.dir);
    if (present.length > 0 && !values.force) {
      stderr.write(
        `tandem certs: ${values.dir} holds ${present.join(', ')} already; --force replaces them\n`,
      );
      return exit.internal;
    }
    const hosts = [...namesOf(values.service), ...values.hosts];
    const now = Date.now();
    const ca = await generateCa(now);
    await writeFolder(values.dir, { ca, serving: await generateServing(ca, hosts, now) });
    stderr.write(`wrote ca.crt, ca.key, tls.crt and tls.key to ${values.dir}, for ${hosts.join(', ')}\n`);
    if (values.printCaBundle) stdout.write(`${Buffer.from(ca.certificate).toString('base64')}\n`);
    return exit.done;
  },
});

function namesOf(service: string | undefined): readonly string[] {
  if (service === undefined) return [];
  const [name = '', namespace = 'default'] = service.split('.');
  return serviceNames(name, namespace);
}
