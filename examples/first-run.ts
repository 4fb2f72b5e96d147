/** `npm start`: a webhook on TLS with certificates of its own, one posted sample, and its answer in readable form. */
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

const webhook = spawn(
  process.execPath,
  ['bin/tandem.js', 'webhook', '--tls-auto', '--tls-auto-dir=certs', `--listen=127.0.0.1:${PORT}`, '--status-listen=127.0.0.1:8081'],
  { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
);
const ended = once(webhook, 'exit') as Promise<[number | null]>;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => webhook.kill('SIGTERM'));
const lines = createInterface({ input: webhook.stdout });
const serving = await Promise.race([once(lines, 'line'), ended.then(() => undefined)]);
if (serving === undefined) {
  process.stderr.write(`The webhook did not start; the reason is above. Is something else on port ${PORT} or 8081?\n`);
  process.exit(1);
}

const sample = await readFile(join(ROOT, SAMPLE), 'utf8');
const answer = JSON.parse(await post(sample)) as Answer;
process.stdout.write(readable(JSON.parse(sample) as Review, answer));
process.stdout.write(`
That was this command; the webhook goes on until Ctrl-C:

  curl --cacert certs/ca.crt -H 'content-type: application/json' -d @${SAMPLE} https://localhost:${PORT}/mutate

Its log:
`);
lines.on('line', (line) => process.stdout.write(`${line}\n`));
if (process.argv.includes('--once')) webhook.kill('SIGTERM');
const [code] = await ended;
process.exitCode = code ?? 1;

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
