/** What the Secret holds after a step of the rotation: keys and certificates are made here. */
import { readServing } from './certificate-facts.ts';
import { generateCa, generateServing } from './generate.ts';
import type { RotationTimes, Step } from './next-step.ts';
import { readContent, writeContent, type SecretTexts } from './secret-content.ts';

type WritingStep = Extract<Step, { readonly kind: 'new-ca' | 'keep-ca' | 'issue' | 'forget-ca' }>;

/**
 * All texts of the Secret, with its private keys.
 *
 * @param now milliseconds since the epoch
 */
export async function contentAfter(
  step: WritingStep,
  texts: SecretTexts,
  hosts: readonly string[],
  times: RotationTimes,
  now: number,
): Promise<Readonly<Record<string, string>>> {
  const before = readContent(texts);
  switch (step.kind) {
    case 'new-ca': {
      const { certificate, key } = await generateCa(now, times.caLife);
      const isUsable = before.serving !== undefined && readServing(before.serving, [], []) !== undefined;
      const serving = isUsable ? before.serving : undefined;
      return writeContent({ ca: { certificate, key }, older: step.older, serving });
    }
    case 'issue': {
      // The step is taken with a CA only.
      if (before.ca === undefined) return writeContent(before);
      return writeContent({
        ...before,
        serving: generateServing(before.ca, hosts, now, times.servingLife),
      });
    }
    case 'keep-ca':
    case 'forget-ca':
      return writeContent({ ...before, older: step.older });
  }
}
