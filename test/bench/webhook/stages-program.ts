/**
 * Where the time of an admission goes, without the server: each stage alone and warm. Its argument is how often each runs in a round,
 * and it prints `Stages` as JSON.
 */
import { admitPod } from '../../../src/admission/admit-pod.ts';
import { decodeReview, patched } from '../../../src/admission/admission-review.ts';
import { patchInBase64 } from '../../../src/support/shared-json.ts';
import { decide } from '../../../src/inject/decide.ts';
import { inject } from '../../../src/inject/inject.ts';
import { omitVariables } from '../../../src/inject/omit-variables.ts';
import { median } from '../figure.ts';
import { sampleReview } from '../sample-review.ts';
import { sampleSettings } from '../sample-settings.ts';
import type { Stages } from './stages.ts';

process.stdout.write(JSON.stringify(stages(Number(process.argv[2]))));

function stages(runs: number): Stages {
  const bytes = Buffer.from(sampleReview());
  const decoded = decodeReview(bytes.toString());
  if (!decoded.ok) throw new Error(decoded.why);
  const { request } = decoded;
  const result = inject(request, sampleSettings);
  const admission = admitPod(request, sampleSettings);
  if (result.kind !== 'inject' || admission.kind !== 'inject') throw new Error(result.kind);
  const decided = cpuOf(() => decide(request, sampleSettings), runs);
  return {
    usual: {
      parse: cpuOf(() => decodeReview(bytes.toString(), omitVariables), runs),
      decide: decided,
      'look up': cpuOf(() => admitPod(request, sampleSettings), runs) - decided,
      encode: cpuOf(() => Buffer.from(patched(request, admission.patch, []).text, 'latin1'), runs),
    },
    first: {
      edits: cpuOf(() => inject(request, sampleSettings), runs) - decided,
      patch: cpuOf(() => patchInBase64(result.patch), runs),
    },
  };
}

/** The median of five rounds after one that warms up, in seconds; what garbage costs is in it. */
function cpuOf(work: () => unknown, runs: number): number {
  const rounds = Array.from({ length: 6 }, () => {
    const before = process.cpuUsage();
    for (let run = 0; run < runs; run += 1) work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6 / runs;
  });
  return median(rounds.slice(1));
}
