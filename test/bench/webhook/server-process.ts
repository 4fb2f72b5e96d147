/** A server in a process of its own, so that what it uses is known. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request, type Agent } from 'node:https';

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nodeOptions } from '../../../deploy/image/image.ts';

export type ServerProcess = { readonly child: ChildProcess; readonly port: number; readonly ca: string };

export const HEADERS = { 'content-type': 'application/json' };

/** @param command file and flags. @param folder that has `certs` */
export async function startServer(command: readonly string[], folder: string): Promise<ServerProcess> {
  const tls = [
    `--tls-cert-file=${join(folder, 'certs/tls.crt')}`,
    `--tls-key-file=${join(folder, 'certs/tls.key')}`,
  ];
  const child = spawn(process.execPath, [...nodeOptions, ...command, ...tls], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_ENV: 'production' },
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  // Read on, or the log fills the pipe; but not line by line, which would slow the load down.
  lines.close();
  child.stdout.resume();
  const port = Number((JSON.parse(line) as { tls: string }).tls.split(':')[1]);
  return { child, port, ca: await readFile(join(folder, 'certs/ca.crt'), 'utf8') };
}

export async function stopServer({ child }: ServerProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

type More = { readonly path?: string; readonly agent?: Agent };

export function post({ port, ca }: ServerProcess, body: string, more: More = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca, path: '/mutate', method: 'POST', headers: HEADERS };
    const call = request({ ...options, ...more }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(answer) : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}
