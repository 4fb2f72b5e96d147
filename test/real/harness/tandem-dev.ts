/** `tandem dev` as a process over a folder of manifests, at the same ports when it is started again. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';
import { TANDEM } from './tandem-program.ts';

export type TandemDev = {
  /** Of the page, with `/` at the end. */
  readonly url: string;
  readonly start: () => Promise<RunningProcess>;
  /** Sends an AdmissionReview to the webhook. */
  readonly admit: (review: object) => Promise<number | undefined>;
};

export async function tandemDev(
  scene: Pick<Scene, 'start' | 'folder'>,
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<TandemDev> {
  const [plain = 0, tls = 0] = await freePorts(2);
  const certificates = join(scene.folder, 'dev-certs');
  const url = `http://127.0.0.1:${plain}/`;
  return {
    url,
    start: () =>
      scene.start({
        name: 'tandem dev',
        command: process.execPath,
        args: [
          TANDEM,
          'dev',
          folder,
          `--tls-dir=${certificates}`,
          `--status-listen=127.0.0.1:${plain}`,
          `--listen=127.0.0.1:${tls}`,
          '--http-port=0',
          '--dns-port=0',
        ],
        environment,
        ready: async () => (await fetch(`${url}health/ready`)).ok,
      }),
    admit: (review) =>
      new Promise((resolve, reject) => {
        const sent = request(
          {
            host: '127.0.0.1',
            port: tls,
            path: '/mutate',
            method: 'POST',
            ca: readFileSync(join(certificates, 'ca.crt')),
            headers: { 'content-type': 'application/json' },
          },
          (response) => response.resume().on('end', () => resolve(response.statusCode)),
        );
        sent.on('error', reject).end(JSON.stringify(review));
      }),
  };
}
