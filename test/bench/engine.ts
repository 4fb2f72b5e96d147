/** The engine alone: how it grows with the pod, and what hostile annotations cost. */
import { inject } from '../../src/inject/inject.ts';
import { figure, median } from './figure.ts';
import { samplePod } from './sample-review.ts';
import { sampleSettings } from './sample-settings.ts';

export function benchEngine(short: boolean): void {
  const runs = short ? 10 : 200;
  const small = milliseconds(samplePod(), runs);
  const middle = milliseconds(samplePod(1500), runs);
  const large = milliseconds(samplePod(3000), runs);
  figure('engine: pod of 2.7 kB, two upstreams', small, 'ms', '');
  figure('engine: pod with 1,500 variables', middle, 'ms', 'target <= 3');
  figure('engine: 3,000 variables / 1,500 variables', large / middle, 'ratio', 'linear is 2');
  const upstreams = (length: number): string =>
    Array.from({ length }, (_, index) => `s${index}:${1000 + index}`).join(',');
  const few = milliseconds(annotated(upstreams(500)), runs);
  figure(
    'engine: 1,000 upstreams / 500 upstreams',
    milliseconds(annotated(upstreams(1000)), runs) / few,
    'ratio',
    'linear is 2',
  );
  figure('engine: 256 KiB of commas', milliseconds(annotated(','.repeat(256 * 1024)), runs), 'ms', '');
}

function annotated(text: string): object {
  const annotations = {
    'consul.hashicorp.com/connect-inject': 'true',
    'consul.hashicorp.com/connect-service-upstreams': text,
  };
  return { metadata: { annotations }, spec: { containers: [{ name: 'web' }] } };
}

/** The median, the patch serialised as an answer would hold it. */
function milliseconds(object: object, runs: number): number {
  const request = { kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object };
  const samples = Array.from({ length: runs }, () => {
    const start = performance.now();
    JSON.stringify(inject(request, sampleSettings));
    return performance.now() - start;
  });
  return median(samples);
}
