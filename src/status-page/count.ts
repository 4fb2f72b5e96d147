/** Numbers as people read them. */

/** `10,000`, the same on every machine. */
export function count(number: number): string {
  return String(number).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 Service`, `10,000 Services` */
export function counted(number: number, [one, many]: readonly [string, string]): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
