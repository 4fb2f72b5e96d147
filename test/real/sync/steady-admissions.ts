/** Pods that ask for injection, one after the other, at a real API server that asks the webhook. */
import type { ApiServer } from '../harness/api-server.ts';
import { podOf } from '../mesh/mesh.ts';

export type Admissions = {
  /** Ends them; milliseconds of each, and what the API server said of those that it did not take injected. */
  readonly end: () => Promise<{ readonly times: readonly number[]; readonly refusals: readonly string[] }>;
};

const PAUSE_MILLISECONDS = 60;

/** Dry runs: they go through the webhook, and leave nothing. */
export function steadyAdmissions({ admin }: ApiServer, namespace: string): Admissions {
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  const times: number[] = [];
  const refusals: string[] = [];
  const ending = new AbortController();
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const pod = podOf(`steady-${times.length}`, { 'connect-service': 'steady' }, { image: 'example/app' });
      const start = performance.now();
      const { status, body } = await admin.request('POST', path, pod);
      times.push(performance.now() - start);
      if (status !== 201 || !JSON.stringify(body).includes('"tandem/injected"'))
        refusals.push(`${status} ${JSON.stringify(body)}`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
    }
  };
  const running = run();
  return {
    end: async () => {
      ending.abort();
      await running;
      return { times, refusals };
    },
  };
}
