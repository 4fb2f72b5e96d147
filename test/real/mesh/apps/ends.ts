/** How the stand-in of consul-dataplane ends before it serves. */

/** Go: log.Fatal. */
export function fatal(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

export function notPlayed(what: string): never {
  process.stderr.write(`dataplane.ts does not play ${what}\n`);
  process.exit(3);
}
