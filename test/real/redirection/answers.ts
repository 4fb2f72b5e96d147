/** What a pod is answered all the time; see apps/answers.mjs. */
import { join } from 'node:path';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import type { Scene } from '../harness/scene.ts';

export type Answers = {
  /** In their order, and each only once until another one comes; `none` when nobody answers in time. */
  readonly all: () => readonly string[];
  /** Waits until the newest one is this. */
  readonly become: (answer: string) => Promise<void>;
};

/** @param patience milliseconds in which somebody must answer */
export async function watchAnswers(
  scene: Scene,
  { name, link }: RunningPod,
  url: string,
  patience: number,
): Promise<Answers> {
  const program = join(import.meta.dirname, 'apps/answers.mjs');
  const asking = await scene.start({
    name: `${name} asks ${url}`,
    command: process.execPath,
    args: [program, String(patience), url],
    network: link?.path,
  });
  const all = (): readonly string[] =>
    asking
      .log()
      .trim()
      .split('\n')
      .map((line) => line.slice(url.length + 1));
  return {
    all,
    become: (answer) =>
      eventually(`${name} is answered ${answer} by ${url}`, async () => {
        if (all().at(-1) !== answer) throw new Error(all().join(', '));
      }),
  };
}
