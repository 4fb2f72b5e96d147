/** Load over TLS keep-alive by 16 connections, from a process of its own, and what it costs the server. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuSeconds } from '../process-usage.ts';
import type { ServerProcess } from './server-process.ts';

export type Load = {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p99: number;
  /** Seconds of CPU of the server, all of its threads. */
  readonly cpu: number;
};

type Report = {
  readonly requests: number;
  readonly seconds: number;
  readonly p99: number;
  readonly failed: number;
};

const CONNECTIONS = 16;
const run = promisify(execFile);

type Request = { readonly path: string; readonly body: string };

/** @param folder for the files of the generator */
export async function load(
  { child, port }: ServerProcess,
  { path, body }: Request,
  seconds: number,
  folder: string,
): Promise<Load> {
  const before = await cpuSeconds(child.pid);
  const report = await generate(`https://127.0.0.1:${port}${path}`, body, seconds, folder);
  const cpu = (await cpuSeconds(child.pid)) - before;
  if (report.failed > 0) throw new Error(`failed: ${JSON.stringify(report)}`);
  return { ...report, cpu };
}

/** wrk where it is installed (`apt-get install wrk`): it costs a fraction of what a generator in Node does. */
async function generate(url: string, body: string, seconds: number, folder: string): Promise<Report> {
  const file = join(folder, 'body.json');
  await writeFile(file, body);
  const args = [url, file, String(seconds), String(CONNECTIONS)];
  const { stdout } = (await hasWrk)
    ? await run('wrk', [
        '-t1',
        '--timeout=30s',
        `-c${CONNECTIONS}`,
        `-d${seconds}s`,
        '-s',
        WRK_SCRIPT,
        url,
        '--',
        file,
      ])
    : await run(process.execPath, [GENERATOR, ...args]);
  return JSON.parse(stdout.slice(stdout.lastIndexOf('{'))) as Report;
}

const WRK_SCRIPT = join(import.meta.dirname, 'wrk.lua');
const GENERATOR = join(import.meta.dirname, 'generator.ts');

export const hasWrk: Promise<boolean> = run('wrk', ['-v']).then(
  () => true,
  // It gives out its version and fails all the same.
  (error: { readonly code?: unknown }) => error.code !== 'ENOENT',
);
