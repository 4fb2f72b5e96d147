/** Runs in the network of a client: gets addresses as lines, and writes each back when something answers there by HTTP. */
import { get } from 'node:http';
import { createInterface } from 'node:readline';

const POLL_MILLISECONDS = 20;
// Envoy waits for what it does not know yet; a new connection is looked up anew.
const PATIENCE_MILLISECONDS = 500;

createInterface({ input: process.stdin }).on('line', (address) => {
  let isReached = false;
  const timer = setInterval(() => {
    const request = get(
      `http://${address}/healthz`,
      { agent: false, timeout: PATIENCE_MILLISECONDS },
      (answer) => {
        answer.destroy();
        if (isReached) return;
        isReached = true;
        clearInterval(timer);
        process.stdout.write(`${address}\n`);
      },
    );
    request.on('timeout', () => request.destroy()).on('error', () => undefined);
  }, POLL_MILLISECONDS);
});
