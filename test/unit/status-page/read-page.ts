/** The page as somebody gets it who runs no script. */
import { pageOf } from '../../../src/status-page/page.ts';
import type { Status } from '../../../src/status-page/status.ts';
import { viewOf } from '../../../src/status-page/view.ts';
import { everything } from './sample-status.ts';

export function page(status: Status, query = everything, notReady?: string): string {
  const frame = { title: 'Tandem', version: '1.2.3', now: '2026-01-02T03:04:10.000Z', paths: ['/status'] };
  return pageOf(viewOf(status, notReady, query), query, frame);
}

/** What a reader reads of the rows, one line each. */
export function rows(html: string): string[] {
  return [...html.matchAll(/<tr role="row" data-key[^]*?<\/tr>/g)].map(([row]) => words(row));
}

/** What a reader reads of the element with that key, or undefined. */
export function pieceText(html: string, key: string): string | undefined {
  const [, text] = html.split(`data-piece="${key}"`);
  const end = /<(?:section|div|p|span|\/search) data-piece|<nav|<\/dl>|<table/.exec(text ?? '');
  return text === undefined ? undefined : words(`<${text.slice(0, end?.index)}`);
}

function words(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
