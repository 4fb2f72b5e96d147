/** Tells a person how far an installation is: one line that is written over on a terminal, else plain lines. */
import type { Part } from '../part-table.ts';

// A log shows within a minute that a build is alive, and stays short enough to read.
const PLAIN_INTERVAL_MS = 60_000;
const TERMINAL_INTERVAL_MS = 200;

// Some terminals say that they have no columns at all.
const UNKNOWN_COLUMNS = 80;

export type Output = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

export type PartProgress = {
  /** What is being done now. */
  readonly report: (step: string) => void;
  /** Ends the line of the part with its outcome. */
  readonly finish: (outcome: string) => void;
};

/** Starts telling about one part. Times are those of `now`, in milliseconds. */
export function startProgress(part: Part, output: Output, now: () => number): PartProgress {
  const start = now();
  const label = partLabel(part);
  const terminal = output.isTTY === true;
  let step = '';
  const show = (): void => {
    const line = `${label}: ${step}, ${duration(now() - start)}`;
    output.write(terminal ? overwrite(line, output.columns || UNKNOWN_COLUMNS) : `${line}\n`);
  };
  const timer = setInterval(show, terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS);
  output.write(terminal ? '' : `${label}: started\n`);
  return {
    report: (next) => {
      step = next;
    },
    finish: (outcome) => {
      clearInterval(timer);
      const line = `${label}: ${outcome} after ${duration(now() - start)}`;
      output.write(`${terminal ? '\r\u001b[2K' : ''}${line}\n`);
    },
  };
}

function partLabel({ name, version, source }: Part): string {
  return source.kind === 'debian' ? `${name} (Debian)` : `${name} ${version}`;
}

/** Milliseconds as `9 s` or `6 min 23 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function overwrite(line: string, columns: number): string {
  // A full last column would make the terminal begin a new line, which is then not written over.
  return `\r\u001b[2K${line.slice(0, columns - 1)}`;
}
