/** Comma lists in which `\,` is a comma, as in `service-tags`. */

/** The elements, trimmed; empty ones are dropped. */
export function splitCommaList(text: string): string[] {
  const elements: string[] = [];
  let element = '';
  for (let index = 0; index < text.length; index += 1) {
    if (text.startsWith('\\,', index)) {
      element += ',';
      index += 1;
    } else if (text[index] === ',') {
      elements.push(element);
      element = '';
    } else {
      element += text[index];
    }
  }
  elements.push(element);
  return elements.map((each) => each.trim()).filter((each) => each !== '');
}
