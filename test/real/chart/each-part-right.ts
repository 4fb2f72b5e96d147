/** The rights of a part of the chart, taken away one by one: who misses one names it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiServer } from '../harness/api-server.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningProcess } from '../harness/processes.ts';
import { giveBack, refusalOf, takeAway, textOf, type Right } from './role-rights.ts';

export type PartUse = {
  /** Before it is taken away. */
  readonly prepare?: () => Promise<unknown>;
  /** What makes a process use it; gives what that says from then on. */
  readonly provoke: () => Promise<() => string>;
  /** Unless the API server's own words are in it. */
  readonly says?: RegExp;
  /** After it was given back. */
  readonly restore?: () => Promise<unknown>;
};

/** A process that starts without the right, and ends when it has named it. */
export function byStart(start: () => Promise<RunningProcess>): PartUse {
  let started: RunningProcess | undefined;
  return {
    provoke: async () => {
      const process = await start();
      started = process;
      return () => process.log();
    },
    restore: async () => started?.stop('SIGKILL'),
  };
}

/** A process that runs. */
export function byRunning(
  process: () => RunningProcess,
  provoke: () => Promise<unknown>,
  more: Omit<PartUse, 'provoke'> = {},
): PartUse {
  return {
    ...more,
    provoke: async () => {
      const position = process().position();
      await provoke();
      return () => process().log(position);
    },
  };
}

/** @throws Error for a right without a use */
export function eachIsNamed(
  part: string,
  api: ApiServer,
  rights: readonly Right[],
  useOf: (right: Right) => PartUse | undefined,
): void {
  for (const right of rights) {
    const use = useOf(right);
    if (use === undefined) throw new Error(`nothing here makes the ${part} ${textOf(right)}`);
    test(`${part}: without the right to ${textOf(right)} it is named`, async (context) => {
      await use.prepare?.();
      await takeAway(api, [right]);
      const said = await use.provoke();
      const says = use.says ?? refusalOf(right);
      const line = await eventually(textOf(right), async () => {
        const lines = said().split('\n');
        const named = lines.find((each) => says.test(each));
        assert.ok(named !== undefined, lines.slice(-5).join('\n'));
        return named;
      });
      context.diagnostic(line.slice(0, 400));
      await giveBack(api, [right]);
      await use.restore?.();
    });
  }
}
