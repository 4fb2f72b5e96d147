/** The page at `/`: whole without its script, which only keeps it up to date. */
import { createHash } from 'node:crypto';
import type { Card } from './facts.ts';
import { markup, moment, type Markup } from './markup.ts';
import { script } from './script-text.ts';
import { style } from './style.ts';
import type { TableView, View } from './view.ts';
import { rowStates, type ViewQuery } from './view-query.ts';

export type PageFrame = {
  /** What the process is: `Tandem sync`. */
  readonly title: string;
  readonly version: string;
  /** Of the server: ISO 8601, UTC. */
  readonly now: string;
  /** Paths of what else the port has, with `/` in front. */
  readonly paths: readonly string[];
};

/** Nothing but this page's own style and script runs, nothing is loaded, and no other page can frame it. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src ${sourceOf(style)}`,
  `script-src ${sourceOf(script)}`,
  "connect-src 'self'",
  "form-action 'self'",
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function pageOf(view: View, query: ViewQuery, frame: PageFrame): string {
  const { title, version, now, paths } = frame;
  // The icon keeps a browser from asking for one.
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${view.verdict.title} · ${title}</title>
<link rel="icon" href="data:,">
<style>${{ html: style }}</style>
</head>
<body data-view="${view.id}" data-title="${title}" data-now="${now}">
<a class="skip" href="#search">Skip to the search</a>
<header><h1>${title}</h1><p id="live" role="status">As of ${moment(now)}; reload for news</p></header>
<main>
${piece(view, 'section', 'verdict', markup` aria-labelledby="verdict"`)}
${jumpsMarkup(view)}
<div class="cards">${view.cards.map((card) => cardMarkup(view, card))}</div>
${searchForm(view, query)}
<p id="said" class="unseen" role="status"></p>
${view.tables.map((table) => section(view, table))}
</main>
<footer><nav aria-label="Other pages">${paths.map(
    (path) => markup`<a href=".${path}">${path}</a>`,
  )}</nav><p>Tandem ${version}. All times are UTC; how long ago is by the clock of the server.</p></footer>
<script>${{ html: script }}</script>
</body>
</html>
`.html;
}

/** An element whose content is kept up to date. */
function piece(
  { pieces }: View,
  tag: 'section' | 'div' | 'p' | 'span',
  key: string,
  attributes = markup``,
): Markup {
  const name = { html: tag };
  return markup`<${name} data-piece="${key}"${attributes}>${{ html: pieces.get(key) ?? '' }}</${name}>`;
}

function cardMarkup(view: View, { id, title, facts }: Card): Markup {
  return markup`<section class="card" aria-labelledby="card-${id}"><h2 id="card-${id}">${title}</h2>
<dl>${facts.map(({ key }) => piece(view, 'div', key))}</dl></section>
`;
}

function jumpsMarkup(view: View): Markup {
  const jumps = view.tables.map(
    ({ table }) =>
      markup`<a href="#${table.id}">${table.title} ${piece(view, 'span', `found.${table.id}`)}</a>`,
  );
  return markup`<nav class="jumps" aria-label="Tables">${jumps}</nav>`;
}

function searchForm(view: View, { text, state, isAll }: ViewQuery): Markup {
  const choices = [['', 'All'] as const, ...Object.entries(rowStates)].map(
    ([value, name]) =>
      markup`<label><input type="radio" name="state" value="${value}"${value === (state ?? '') ? markup` checked` : undefined}><span>${name} ${piece(view, 'span', `count.${value}`)}</span></label>`,
  );
  return markup`<search id="search" tabindex="-1"><form action="" method="get" autocomplete="off">
<label class="words"><span>Search names, reasons and problems</span><input type="search" name="q" value="${text}" spellcheck="false" autocapitalize="none"></label>
<fieldset><legend>Show</legend><div>${choices}</div></fieldset>
${isAll ? markup`<input type="hidden" name="all" value="1">` : undefined}<button>Search</button>
</form></search>`;
}

function section(view: View, { table, rows }: TableView): Markup {
  const { id, title, columns } = table;
  const heads = columns.map(
    (column) => markup`<th role="columnheader" scope="col" class="${column.kind}">${column.title}</th>`,
  );
  return markup`<section id="${id}" aria-labelledby="${id}-title" tabindex="-1">
<h2 id="${id}-title">${title}</h2>
${piece(view, 'p', `note.${id}`, markup` class="note"`)}
<table role="table" aria-labelledby="${id}-title"${rows.size === 0 ? markup` hidden` : undefined}>
<thead role="rowgroup"><tr role="row">${heads}</tr></thead>
<tbody role="rowgroup">${{ html: [...rows.values()].join('\n') }}</tbody>
</table>
</section>
`;
}

function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
