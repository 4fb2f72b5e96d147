// What the tests of `helm test` ask with: nothing but Node.js, for they run in the image of Tandem.
import { readFileSync } from 'node:fs';
import { request as overTls } from 'node:https';
import { request as overPlainText } from 'node:http';
import { text } from 'node:stream/consumers';

const { SERVICE_ACCOUNT, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;

/** The status and the body of an answer. `options` are those of node:https. */
export function request(url, { body, ...options }) {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? overTls : overPlainText;
    const outgoing = send(url, { timeout: 10_000, ...options }, (incoming) => {
      text(incoming).then((content) => resolve({ status: incoming.statusCode, content }), reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${url}: no answer in 10 s`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Asks the API server as the service account of the pod. Throws with its status, and what it said, when it refuses. */
export async function kubernetes(method, path, object) {
  const token = readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8').trim();
  const { status, content } = await request(
    `https://${host.includes(':') ? `[${host}]` : host}:${port}${path}`,
    {
      method,
      ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: object === undefined ? undefined : JSON.stringify(object),
    },
  );
  if (status < 200 || status > 299)
    throw Object.assign(new Error(`${method} ${path}: ${status} ${content}`), { status });
  return JSON.parse(content);
}
