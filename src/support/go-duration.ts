/** Spans of time as Go writes and reads them: `1h30m`, `1.5s`, `0`. */

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const DURATION = /^[-+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PART = /([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)/g;
// time.Duration is an int64.
const LONGEST = 2n ** 63n - 1n;

/** Nanoseconds, as `time.ParseDuration` reads them; undefined for what it refuses. */
export function parseGoDuration(text: string): bigint | undefined {
  if (/^[-+]?0$/.test(text)) return 0n;
  // No useful duration is longer; a text of megabytes is not a duration.
  if (text.length > 100 || !DURATION.test(text)) return undefined;
  let sum = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(PART)) {
    const scale = UNITS.get(unit) ?? 0n;
    sum += BigInt(whole || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length);
  }
  if (sum > LONGEST) return undefined;
  return text.startsWith('-') ? -sum : sum;
}

/** As `Duration.String` writes it: `2m0s`, `1.5s`, `250ms`. */
export function formatGoDuration(nanoseconds: bigint): string {
  if (nanoseconds < 0n) return `-${formatGoDuration(-nanoseconds)}`;
  if (nanoseconds === 0n) return '0s';
  const second = 1_000_000_000n;
  if (nanoseconds < second) {
    const [unit, scale]: readonly [string, bigint] =
      nanoseconds < 1_000n ? ['ns', 1n] : nanoseconds < 1_000_000n ? ['µs', 1_000n] : ['ms', 1_000_000n];
    return `${decimal(nanoseconds, scale)}${unit}`;
  }
  const hours = nanoseconds / (3600n * second);
  const minutes = (nanoseconds / (60n * second)) % 60n;
  const rest = `${decimal(nanoseconds % (60n * second), second)}s`;
  if (hours > 0n) return `${hours}h${minutes}m${rest}`;
  return minutes > 0n ? `${minutes}m${rest}` : rest;
}

function decimal(value: bigint, scale: bigint): string {
  const fraction = (value % scale)
    .toString()
    .padStart(scale.toString().length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(value / scale) : `${value / scale}.${fraction}`;
}
