/** HTML as a type of its own: everything else in a template is text, and is escaped. Also formats times and numbers. */

export type Markup = { readonly html: string };

type Part = string | number | Markup | readonly Markup[] | undefined;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// Controls, and characters of format such as those of writing direction (Unicode, categories Cc and Cf): a name with one of them
// can look like another name.
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cf}]/gu;

/** Text for an element or a quoted attribute; characters that nobody would see are written as `\u{202e}`. */
function escapeText(text: string): string {
  return text
    .replaceAll(HIDDEN, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`)
    .replaceAll(/[&<>"']/g, (found) => ENTITIES[found] ?? '');
}

/** The template, with every value escaped that is not markup; undefined becomes nothing. */
export function markup(texts: TemplateStringsArray, ...values: readonly Part[]): Markup {
  return { html: texts.map((text, at) => text + rendered(values[at])).join('') };
}

function rendered(value: Part): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map(({ html }) => html).join('');
}

/** Foreign text: its writing direction ends with it. */
export function foreignText(text: string): Markup {
  return markup`<bdi>${text}</bdi>`;
}

/** @param iso ISO 8601, UTC */
export function moment(iso: string): Markup {
  return markup`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

/** `10,000`, the same on every machine. */
export function count(number: number): string {
  return String(number).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 Service`, `10,000 Services` */
export function counted(number: number, [one, many]: readonly [string, string]): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
