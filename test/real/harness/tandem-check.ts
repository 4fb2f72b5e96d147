/** `tandem check`, in the process of the test, and what it found. */
import type { Finding } from '../../../src/check/finding.ts';
import { runInProcess } from '../../integration/cli/in-process.ts';
import type { Finished } from '../../integration/cli/tandem-process.ts';

export type Checked = Finished & {
  readonly findings: readonly Finding[];
  /** Those of one check, as `status: seen → fix`. */
  readonly of: (check: Finding['check']) => readonly string[];
};

/** @param token by the environment, as a token is given */
export async function tandemCheck(flags: readonly string[], token?: string): Promise<Checked> {
  const environment: Record<string, string> = token === undefined ? {} : { CONSUL_HTTP_TOKEN: token };
  const finished = await runInProcess(['check', '--output=json', ...flags], '', environment);
  const { findings } = JSON.parse(finished.stdout) as { readonly findings: readonly Finding[] };
  return {
    ...finished,
    findings,
    of: (check) => findings.filter((finding) => finding.check === check).map(describe),
  };
}

function describe(finding: Finding): string {
  return `${finding.status}: ${finding.seen}${finding.status === 'ok' ? '' : ` → ${finding.fix}`}`;
}
