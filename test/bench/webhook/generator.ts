/** A generator of load for machines without wrk: `generator.ts <url> <file of the body> <seconds> <connections>`. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { NUMBER } from '../sample-review.ts';

const [url = '', file = '', seconds = '', connections = ''] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const body = readFileSync(file);
const head = `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
const request = Buffer.concat([Buffer.from(head), body]);
const place = request.indexOf(NUMBER);
let number = 0;

/** As wrk.lua does it. */
function nextRequest(): Buffer {
  if (place < 0) return request;
  number += 1;
  const numbered = Buffer.from(request);
  numbered.write(String(number).padStart(NUMBER.length, '0'), place);
  return numbered;
}

const times: number[] = [];
let failed = 0;
const begin = performance.now();
const end = begin + Number(seconds) * 1000;
await Promise.all(Array.from({ length: Number(connections) }, client));
const took = (performance.now() - begin) / 1000;
const p99 = times.toSorted((left, right) => left - right)[Math.floor(times.length * 0.99)];
process.stdout.write(`${JSON.stringify({ requests: times.length, seconds: took, p99, failed })}\n`);

/** One connection: the next request leaves when the answer to the last is whole. */
function client(): Promise<void> {
  return new Promise((resolve) => {
    // Whose certificate it is does not matter here, and to check it would be paid by every connection.
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
    let missing = 0;
    let start = 0;
    const ask = (): void => {
      start = performance.now();
      if (start > end) {
        socket.end();
        resolve();
      } else socket.write(nextRequest());
    };
    socket.on('secureConnect', ask);
    socket.on('error', () => {
      failed += 1;
      resolve();
    });
    socket.on('data', (chunk: Buffer) => {
      missing = (missing === 0 ? lengthOfAnswer(chunk) : missing) - chunk.length;
      if (missing > 0) return;
      times.push(performance.now() - start);
      ask();
    });
  });
}

/** Head and body. The head of an answer comes in one piece: servers write it at once. */
function lengthOfAnswer(chunk: Buffer): number {
  const text = chunk.toString('latin1', 0, 2048);
  const headLength = text.indexOf('\r\n\r\n') + 4;
  if (!text.startsWith('HTTP/1.1 200')) failed += 1;
  return headLength + Number(/\r\ncontent-length: ([0-9]+)/i.exec(text)?.[1]);
}
