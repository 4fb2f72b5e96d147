/** What a part is made with: the pins, a way to run tools, and a way to tell how far the work is. */
import type { runTool, ToolOptions } from './run-tool.ts';

export type Workbench = {
  /** `test/real/parts`. */
  readonly partsFolder: string;
  /** This process may install packages, and give files to any owner. */
  readonly isRoot: boolean;
  readonly run: (
    command: string,
    toolArguments: readonly string[],
    options: Omit<ToolOptions, 'signal'>,
  ) => ReturnType<typeof runTool>;
  readonly report: (step: string) => void;
};
