/**
 * Asks a URL again and again, each time by a new connection, and writes `<url> <answer>` whenever the answer is another one.
 * Arguments: how many milliseconds an answer may take, and the URL.
 */
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

// An answer of the wrong service would last until Envoys have the next addresses, which takes them a few times as long.
const PAUSE_MILLISECONDS = 50;
const [patience, url] = process.argv.slice(2);

function ask() {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: Number(patience) }, (answer) => {
      const body = text(answer).catch(() => 'cut');
      resolve(body.then((read) => `${answer.statusCode} ${read.trim()}`));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve('none'));
  });
}

for (let before; ; await delay(PAUSE_MILLISECONDS)) {
  const answer = await ask();
  if (answer !== before) process.stdout.write(`${url} ${answer}\n`);
  before = answer;
}
