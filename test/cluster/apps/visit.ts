/** Asks these URLs, one after the other, each until it answers, and says what they answer. */
import { setTimeout as delay } from 'node:timers/promises';

for (const url of process.argv.slice(2)) {
  for (;;) {
    const body = await fetch(url, { signal: AbortSignal.timeout(5000) }).then(
      (answer) => (answer.ok ? answer.text() : undefined),
      () => undefined,
    );
    if (body !== undefined) {
      process.stdout.write(`${url}: ${body.trim()}\n`);
      break;
    }
    await delay(100);
  }
}
