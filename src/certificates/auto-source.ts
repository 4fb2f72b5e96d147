/** `--tls-auto` for one replica: certificates made at the start, in memory or in a folder, and renewed in time. */
import type { CertificateLife } from '../support/known-certificate.ts';
import { TandemError } from '../support/errors.ts';
import { createListeners } from '../support/listeners.ts';
import { readFolder, writeFolder, type Certificates } from './certificate-folder.ts';
import { isCurrent, isDue, isSigningPair, readCas, readServing } from './certificate-facts.ts';
import { generateCa, generateServing } from './generate.ts';
import type { CertificateEvent, CertificateSource, KeyPair } from './key-pair.ts';

type AutoOptions = {
  /** DNS names and IP addresses of the server. */
  readonly hosts: readonly string[];
  /** Undefined keeps everything in memory, and a restart makes a new CA. */
  readonly folder: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

type AutoSource = Omit<CertificateSource, 'current'> & {
  readonly current: () => KeyPair;
  /** PEM of the CA, for those who verify the server. */
  readonly caCertificate: () => string;
};

const HOUR = 60 * 60 * 1000;

export async function autoSource(options: AutoOptions): Promise<AutoSource> {
  let certificates = await renewed(options);
  const { tell, onChange } = createListeners<[CertificateEvent]>();
  const renew = async (): Promise<void> => {
    try {
      const next = await renewed(options, certificates);
      if (next === certificates) return;
      certificates = next;
      tell({ kind: 'changed', pair: next.serving });
    } catch (cause) {
      const error = new TandemError(
        'TANDEM_CERTIFICATE_INVALID',
        'the certificates could not be renewed',
        cause,
      );
      tell({ kind: 'failed', error });
    }
  };
  // A third of a life of 30 days is left at renewal, so an hour more or less does not matter.
  const timer = setInterval(() => void renew(), HOUR);
  return {
    current: () => certificates.serving,
    caCertificate: () => certificates.ca.certificate,
    onEvent: onChange,
    close: () => clearInterval(timer),
  };
}

/** The existing pair if it is still good; else a new pair of the same CA if the CA is; else everything new. */
async function renewed({ hosts, folder, now }: AutoOptions, held?: Certificates): Promise<Certificates> {
  const found = held ?? (folder === undefined ? undefined : await readFolder(folder));
  const time = now();
  const [known] = readCas(found?.ca.certificate ?? '');
  const isCaGood = found !== undefined && isGood(known, time) && isSigningPair(found.ca);
  const serving = isCaGood && known !== undefined ? readServing(found.serving, [known], hosts) : undefined;
  if (isCaGood && isGood(serving, time) && serving?.issuer !== undefined && serving.isForHosts) return found;
  const ca = isCaGood ? found.ca : await generateCa(time);
  const made = { ca, serving: generateServing(ca, hosts, time) };
  if (folder !== undefined) await writeFolder(folder, made);
  return made;
}

/** While more than a third of the life is left. */
function isGood(life: CertificateLife | undefined, now: number): boolean {
  return life !== undefined && isCurrent(life, now) && !isDue(life, now);
}
