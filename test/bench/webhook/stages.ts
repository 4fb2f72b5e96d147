/** What each stage of an admission costs, in a process with the options of a webhook: with others, V8 does other work. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nodeOptions } from '../../../deploy/image/image.ts';
import { V8_FLAGS } from '../../../src/runtime/run-webhook.ts';

/** Seconds of CPU of each stage for one admission. */
export type Stages = {
  /** Of an admission whose pod is one of a workload. */
  readonly usual: Readonly<Record<'parse' | 'decide' | 'look up' | 'encode', number>>;
  /** Of one whose pod is the first of its workload, besides. */
  readonly first: Readonly<Record<'edits' | 'patch', number>>;
};

/** Those of the image, and those that the webhook sets itself. */
export const WEBHOOK_OPTIONS: readonly string[] = [...nodeOptions, ...V8_FLAGS];

const PROGRAM = join(import.meta.dirname, 'stages-program.ts');

/** @param runs of each stage in a round */
export async function stages(runs: number): Promise<Stages> {
  const { stdout } = await promisify(execFile)(process.execPath, [...WEBHOOK_OPTIONS, PROGRAM, String(runs)]);
  return JSON.parse(stdout) as Stages;
}
