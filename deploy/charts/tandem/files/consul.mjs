// Consul as the sync reaches it, for the tests of `helm test`.
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { request } from './request.mjs';

const { CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN_FILE, CONSUL_CACERT, CONSUL_TLS_SERVER_NAME } = process.env;
const { CONSUL_AUTH_METHOD, SERVICE_ACCOUNT } = process.env;
const SECONDS = 60;
const addresses = CONSUL_HTTP_ADDR.split(',').map((each) =>
  /^https?:/.test(each) ? each : `http://${each}`,
);
const options = {
  ...(CONSUL_HTTP_TOKEN_FILE && {
    headers: { 'x-consul-token': readFileSync(CONSUL_HTTP_TOKEN_FILE, 'utf8').trim() },
  }),
  ...(CONSUL_CACERT && { ca: readFileSync(CONSUL_CACERT) }),
  ...(CONSUL_TLS_SERVER_NAME && { servername: CONSUL_TLS_SERVER_NAME }),
};

// By the account of the test; the token ends by itself.
if (CONSUL_AUTH_METHOD) {
  const BearerToken = readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8');
  const login = { AuthMethod: CONSUL_AUTH_METHOD, BearerToken };
  const { SecretID } = await consul('POST', '/v1/acl/login', login);
  options.headers = { 'x-consul-token': SecretID };
}

/** What the first server says that answers with success. Throws with what each of them said. */
export async function consul(method, path, object) {
  const body = object === undefined ? undefined : JSON.stringify(object);
  const problems = [];
  for (const address of addresses) {
    try {
      const { status, content } = await request(`${address}${path}`, { ...options, method, body });
      if (status === 200) return JSON.parse(content);
      problems.push(`${address}: ${status} ${content}`);
    } catch (error) {
      problems.push(`${address}: ${error.message}`);
    }
  }
  throw new Error(problems.join('\n'));
}

/** Waits until `look` gives nothing; else throws, after a minute, with the sentence that it gave. */
export async function settled(look) {
  const deadline = Date.now() + SECONDS * 1000;
  for (;;) {
    const problem = await look();
    if (problem === undefined) return;
    if (Date.now() > deadline) throw new Error(`${problem}, after ${SECONDS} s`);
    await wait(250);
  }
}
