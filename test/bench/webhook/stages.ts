/** Where the time of an admission goes, without the server: each stage alone, warm, in this process. */
import { decodeReview, patched } from '../../../src/admission/admission-review.ts';
import { patchInBase64 } from '../../../src/support/shared-json.ts';
import { decide } from '../../../src/inject/decide.ts';
import { inject } from '../../../src/inject/inject.ts';
import { median } from '../figure.ts';
import { sampleReview } from '../sample-review.ts';
import { sampleSettings } from '../sample-settings.ts';

export type Stages = Readonly<Record<'parse' | 'decide' | 'edits' | 'patch' | 'encode', number>>;

/** Seconds of CPU of each stage for one admission. */
export function stages(): Stages {
  const bytes = Buffer.from(sampleReview());
  const decoded = decodeReview(bytes.toString());
  if (!decoded.ok) throw new Error(decoded.why);
  const { request } = decoded;
  const result = inject(request, sampleSettings);
  if (result.kind !== 'inject') throw new Error(result.kind);
  const decided = cpuOf(() => decide(request, sampleSettings));
  const patch = cpuOf(() => patchInBase64(result.patch));
  return {
    parse: cpuOf(() => decodeReview(bytes.toString())),
    decide: decided,
    edits: cpuOf(() => inject(request, sampleSettings)) - decided,
    patch,
    encode: cpuOf(() => Buffer.from(patched(request, result.patch, []).text, 'latin1')) - patch,
  };
}

const RUNS = 2000;

/** The median of five rounds after one that warms up, in seconds; what garbage costs is in it. */
function cpuOf(work: () => unknown): number {
  const rounds = Array.from({ length: 6 }, () => {
    const before = process.cpuUsage();
    for (let run = 0; run < RUNS; run += 1) work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6 / RUNS;
  });
  return median(rounds.slice(1));
}
