/** How much work a JSON text is, before it is parsed. */

const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = Buffer.from('"\\,[{');

/**
 * True when a JSON text has more than `most` values: one for each object, list and comma. Parsing costs by the value and not
 * by the byte: 7 MiB of `{},` take more than 128 MiB of heap.
 */
export function hasMoreValues(json: Uint8Array, most: number): boolean {
  // Each value takes a byte. So a pod with 1,500 variables (90 kB) is not scanned, which would cost a fifth of parsing it.
  if (json.length <= most) return false;
  let values = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index];
    if (byte === QUOTE) isInString = !isInString;
    else if (isInString) index += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA || byte === BRACKET || byte === BRACE) values += 1;
    if (values > most) return true;
  }
  return false;
}
