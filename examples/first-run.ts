/** `npm start`: all of Tandem with no cluster, one sample posted to its webhook, and what came of it in readable form. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { createTwoFilesPatch } from 'diff';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { stringify } from 'yaml';

const ROOT = join(import.meta.dirname, '..');
const SAMPLE = 'examples/reviews/dashboard.json';
const PORT = 8443;

type Review = { readonly request: { readonly object: object } };
type Answer = { readonly response: { readonly allowed: boolean; readonly patch?: string; readonly status?: { readonly message: string } } };

const tandem = spawn(process.execPath, ['bin/tandem.js', 'dev', 'examples'], {
  cwd: ROOT,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(tandem, 'exit') as Promise<[number | null]>;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => tandem.kill('SIGTERM'));
const lines = createInterface({ input: tandem.stdout });
if (!(await hasLine('planned'))) {
  process.stderr.write('Tandem did not start; the reason is above. Is something else on one of its ports?\n');
  process.exit(1);
}

const sample = await readFile(join(ROOT, SAMPLE), 'utf8');
const answer = JSON.parse(await post(sample)) as Answer;
process.stdout.write(readable(JSON.parse(sample) as Review, answer));
process.stdout.write(`
All of it goes on until Ctrl-C. The same again, and what else there is:

  curl --cacert certs/ca.crt -H 'content-type: application/json' -d @${SAMPLE} https://localhost:${PORT}/mutate
  curl http://127.0.0.1:8500/v1/catalog/services          the Services of examples/, in a catalog that answers as Consul does
  dig @127.0.0.1 -p 8600 counting.service.consul SRV       and its DNS
  http://127.0.0.1:8081                                    a page in your browser: what is synced, what is not, and why

Change a Service in examples/services.yaml, and ask again. The log:
`);
lines.on('line', (line) => process.stdout.write(`${line}\n`));
if (process.argv.includes('--once')) tandem.kill('SIGTERM');
const [code] = await ended;
process.exitCode = code ?? 1;

/** False when the process ends before. */
function hasLine(message: string): Promise<boolean> {
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      if ((JSON.parse(line) as { msg: string }).msg === message) resolve(true);
    });
    void ended.then(() => resolve(false));
  });
}

async function post(body: string): Promise<string> {
  const ca = await readFile(join(ROOT, 'certs/ca.crt'));
  const headers = { 'content-type': 'application/json' };
  const call = request({ host: 'localhost', port: PORT, path: '/mutate', method: 'POST', ca, headers });
  call.end(body);
  const [response] = (await once(call, 'response')) as [NodeJS.ReadableStream];
  return text(response);
}

function readable({ request: { object } }: Review, { response }: Answer): string {
  if (response.patch === undefined) return `No patch: ${JSON.stringify(response)}\n`;
  const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as Operation[];
  const patched: unknown = jsonPatch.applyPatch(structuredClone(object), structuredClone(patch)).newDocument;
  const yaml = (pod: unknown): string => stringify(pod, { lineWidth: 0, aliasDuplicateObjects: false });
  const difference = createTwoFilesPatch('the pod as it was posted', 'the pod as it starts', yaml(object), yaml(patched), '', '');
  return `${SAMPLE} was posted to https://localhost:${PORT}/mutate.
The answer allows the pod, with ${patch.length} operations:

${patch.map(({ op, path }) => `  ${op} ${path}`).join('\n')}

Applied:

${difference.replace(/^=+\n/, '')}`;
}
