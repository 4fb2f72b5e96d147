/** The page at `/`: whole without its script, which only keeps it up to date. */
import { createHash } from 'node:crypto';
import { markup, type Markup } from './markup.ts';
import { script } from './script.ts';
import { style } from './style.ts';
import type { TableView, View } from './view.ts';
import { rowStates, type ViewQuery } from './view-query.ts';

export type PageFrame = {
  /** What the process is: `Tandem sync`. */
  readonly title: string;
  readonly version: string;
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
  const { title, version, paths } = frame;
  // The icon keeps a browser from asking for one.
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${{ html: style }}</style>
</head>
<body data-view="${view.id}">
<a class="skip" href="#tables">Skip to the tables</a>
<header><h1>${title}</h1><p id="live" role="status">As of the moment of loading; reload for news</p></header>
<main>
<dl id="facts" aria-label="Facts">${{ html: view.facts }}</dl>
${searchForm(query)}
<div id="tables" tabindex="-1">${view.tables.map(section)}</div>
</main>
<footer><nav aria-label="Other pages">${paths.map(
    (path) => markup`<a href=".${path}">${path}</a>`,
  )}</nav>Tandem ${version}</footer>
<script>${{ html: script }}</script>
</body>
</html>
`.html;
}

function searchForm({ text, state, isAll }: ViewQuery): Markup {
  const options = Object.entries(rowStates).map(
    ([value, name]) =>
      markup`<option value="${value}"${value === state ? markup` selected` : undefined}>${name}</option>`,
  );
  return markup`<search><form action="" method="get" autocomplete="off">
<label class="words">Search names, reasons and problems<input type="search" name="q" value="${text}"></label>
<label>Show<select name="state"><option value="">Everything</option>${options}</select></label>
${isAll ? markup`<input type="hidden" name="all" value="1">` : undefined}<button>Search</button>
</form></search>`;
}

function section({ table, note, rows }: TableView): Markup {
  const { id, title, columns } = table;
  const heads = columns.map((column) => markup`<th role="columnheader" scope="col">${column}</th>`);
  return markup`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<p role="status">${{ html: note }}</p>
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
