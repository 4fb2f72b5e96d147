/** Free TCP ports on loopback. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Below the range from which Linux takes the ports of outgoing connections (ip_local_port_range, 32768 and up), so that none
// of those can take one before its process has started.
const FIRST = 10_240;
const LAST = 32_000;
// Ports of an injected pod that its author cannot choose, so that the pods of tests do not meet them by chance.
const OF_SIDECARS: ReadonlySet<number> = new Set([19_000, 20_000, 20_200, 20_600, 21_000]);

// A process that is down for a while finds its port again: the ports of every test process are its own as long as it lives.
const RESERVATIONS = join(tmpdir(), 'tandem-real-ports');

/** So many different ports that nobody listens on now, and no other test process asks for; the processes to come share them out. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<readonly number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (OF_SIDECARS.has(port) || !reserve(port)) continue;
    const server = createServer().listen(port, host);
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    held.push(server);
    ports.push(port);
  }
  await Promise.all(held.map((server) => once(server.close(), 'close')));
  return ports;
}

const reserved = new Set<string>();

/** False when another process that lives has it. */
function reserve(port: number): boolean {
  if (reserved.size === 0) {
    mkdirSync(RESERVATIONS, { recursive: true });
    process.on('exit', () => {
      for (const file of reserved) rmSync(file, { force: true });
    });
  }
  const file = join(RESERVATIONS, String(port));
  if (reserved.has(file)) return false;
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    if (isAlive(file)) return false;
    writeFileSync(file, String(process.pid));
  }
  reserved.add(file);
  return true;
}

function isAlive(file: string): boolean {
  try {
    return process.kill(Number(readFileSync(file, 'utf8')), 0);
  } catch {
    return false;
  }
}
