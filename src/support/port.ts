/** Numbers of TCP and UDP ports. */
import { parseWholeNumber } from './text.ts';

export const LARGEST_PORT = 65_535;

/** Whether it is the number of a port, 1 to 65535. */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LARGEST_PORT;
}

/** The port that a text in decimal digits names; else undefined. */
export function parsePort(text: string): number | undefined {
  const number = parseWholeNumber(text);
  return isPort(number) ? number : undefined;
}
