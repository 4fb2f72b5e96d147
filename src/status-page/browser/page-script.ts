/**
 * The script of the page: live changes, and a search without a reload. Without it the same form and the same table work.
 *
 * A browser runs these functions from their own text (see script-text.ts), so each uses nothing but its arguments, itself and
 * what a browser has.
 */
import type { TableChange, ViewChange } from '../view-change.ts';

/** The functions below, which the page hands to each other: their text alone does not know where they are. */
export type PageTools = {
  readonly morph: typeof morph;
  readonly applyTable: typeof applyTable;
  readonly applyChange: typeof applyChange;
  readonly askedBy: typeof askedBy;
  readonly searchByForm: typeof searchByForm;
  readonly lossText: typeof lossText;
  readonly showAges: typeof showAges;
  readonly takeVerdict: typeof takeVerdict;
};

/** Changes only what differs: focus, selection and scroll position stay. */
export function morph(from: Node, to: Node): void {
  const parent = from.parentNode;
  if (from.nodeName !== to.nodeName) {
    parent?.replaceChild(to, from);
    return;
  }
  if (!(from instanceof Element) || !(to instanceof Element)) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  for (const { name, value } of to.attributes)
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  for (const { name } of Array.from(from.attributes)) if (!to.hasAttribute(name)) from.removeAttribute(name);
  const old = Array.from(from.childNodes);
  const next = Array.from(to.childNodes);
  next.forEach((node, at) => {
    const before = old[at];
    if (before === undefined) from.append(node);
    else morph(before, node);
  });
  for (const node of old.slice(next.length)) node.remove();
}

export function applyTable(change: TableChange, morphNode: PageTools['morph'], flash: boolean): void {
  const { id, isWhole, remove, put } = change;
  const body = document.querySelector<HTMLTableSectionElement>(`#${id} tbody`);
  if (body === null) return;
  const rows = new Map(Array.from(body.rows).map((row) => [row.dataset['key'], row]));
  const kept = new Set(put.map(([key]) => key));
  const gone = isWhole ? Array.from(rows.keys()).filter((key) => !kept.has(key ?? '')) : remove;
  for (const key of gone) {
    rows.get(key)?.remove();
    rows.delete(key);
  }
  for (const [key, html, below] of put) {
    const template = document.createElement('template');
    template.innerHTML = html;
    const next = template.content.querySelector('tr');
    const old = rows.get(key);
    if (old !== undefined && next !== null) morphNode(old, next);
    const row = old ?? next;
    if (row === null) continue;
    const place = below === null ? null : (rows.get(below) ?? null);
    if (row.parentNode !== body || row.nextElementSibling !== place) body.insertBefore(row, place);
    rows.set(key, row);
    if (!isWhole && flash)
      row.animate([{ backgroundColor: getComputedStyle(body).getPropertyValue('--flash') }, {}], 2000);
  }
  if (body.parentElement !== null) body.parentElement.hidden = body.rows.length === 0;
}

/** Adds to each time how long ago it was. @param now milliseconds since the epoch, by the clock of the server */
export function showAges(now: number): void {
  const ages = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' });
  const units = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ] as const;
  for (const time of document.querySelectorAll('time')) {
    const seconds = (Date.parse(time.dateTime) - now) / 1000;
    const [unit, size] = units.find((each) => Math.abs(seconds) >= each[1]) ?? units[3];
    const text = Math.abs(seconds) < 1 ? 'now' : ages.format(Math.trunc(seconds / size), unit);
    if (time.dataset['age'] !== text) time.dataset['age'] = text;
  }
}

/** @returns whether the page could apply the change; else it must be loaded again */
export function applyChange({ pieces, tables }: ViewChange, tools: PageTools, flash: boolean): boolean {
  for (const [key, html] of pieces) {
    const old = document.querySelector(`[data-piece="${CSS.escape(key)}"]`);
    const next = old?.cloneNode(false);
    if (old === null || !(next instanceof Element)) return false;
    next.innerHTML = html;
    tools.morph(old, next);
  }
  for (const table of tables) tools.applyTable(table, tools.morph, flash);
  return true;
}

/** What the form asks for, without what is empty. */
export function askedBy(form: HTMLFormElement): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form))
    if (typeof value === 'string' && value !== '') query.append(name, value);
  return query;
}

/** Searches while words are typed, when another state is chosen, and instead of a load while the page is live. */
export function searchByForm(form: HTMLFormElement, search: () => void, isLive: () => boolean): void {
  let typing: ReturnType<typeof setTimeout> | undefined;
  const searchNow = (): void => {
    clearTimeout(typing);
    search();
  };
  form.addEventListener('submit', (event) => {
    // Without a stream the server still answers a form.
    if (!isLive()) return;
    event.preventDefault();
    searchNow();
  });
  for (const choice of form.querySelectorAll('[name=state]')) choice.addEventListener('change', searchNow);
  const words = form.querySelector<HTMLInputElement>('[name=q]');
  words?.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(search, 150);
  });
  words?.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || words.value === '') return;
    event.preventDefault();
    words.value = '';
    searchNow();
  });
}

/** Why the page is not live. */
export function lossText(isTriedAgain: boolean): string {
  return isTriedAgain
    ? 'the connection is lost. Reconnecting; this page may be out of date.'
    : 'the server accepts no more readers now. Next try in 30 s.';
}

/** Puts the verdict into the title of the tab. @returns the verdict if it has changed */
export function takeVerdict(): string | undefined {
  const verdict = document.getElementById('verdict')?.textContent ?? '';
  const title = `${verdict} · ${document.body.dataset['title'] ?? ''}`;
  if (document.title === title) return undefined;
  document.title = title;
  return verdict;
}

export function startPage(tools: PageTools): void {
  const form = document.forms[0];
  const live = document.getElementById('live');
  const said = document.getElementById('said');
  if (form === undefined || live === null || said === null) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  // The clock of the reader may be wrong; that of the server made the times.
  const skew = Date.parse(document.body.dataset['now'] ?? '') - Date.now();
  const now = (): number => Date.now() + skew;
  let seen = document.body.dataset['view'] ?? '';
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let lost: string | undefined;
  let isSearching = false;

  function tell(text: string, isLost: boolean): void {
    live?.classList.toggle('lost', isLost);
    if (live !== null && live.textContent !== text) live.textContent = text;
  }

  function connect(): void {
    clearTimeout(retry);
    source?.close();
    const query = tools.askedBy(form as HTMLFormElement);
    query.set('view', seen);
    const opened = new EventSource(`events?${query.toString()}`);
    source = opened;
    opened.addEventListener('open', () => {
      lost = undefined;
      tell('Live', false);
    });
    opened.addEventListener('error', () => {
      if (source === opened) disconnected(opened);
    });
    opened.addEventListener('change', ({ data, lastEventId }: MessageEvent<string>) => {
      if (source !== opened) return;
      seen = lastEventId;
      apply(JSON.parse(data) as ViewChange);
    });
  }

  function disconnected({ readyState }: EventSource): void {
    lost ??= `${new Date(now()).toISOString().slice(11, 19)} UTC`;
    const isTriedAgain = readyState === EventSource.CONNECTING;
    tell(`Not live since ${lost}: ${tools.lossText(isTriedAgain)}`, true);
    if (!isTriedAgain) retry = setTimeout(connect, 30_000);
  }

  function apply(change: ViewChange): void {
    if (!tools.applyChange(change, tools, !calm.matches)) location.reload();
    tools.showAges(now());
    const news = tools.takeVerdict();
    if (news !== undefined) say(news);
    if (isSearching)
      say(Array.from(document.querySelectorAll('.note'), (note) => note.textContent).join('. '));
    isSearching = false;
  }

  // Read out by a screen reader, and not shown: what a search found, and when the verdict is another one.
  function say(text: string): void {
    if (said !== null) said.textContent = text;
  }

  function search(): void {
    const query = tools.askedBy(form as HTMLFormElement).toString();
    history.replaceState(null, '', (query === '' ? location.pathname : `?${query}`) + location.hash);
    isSearching = true;
    connect();
  }

  tools.searchByForm(form, search, () => source?.readyState === EventSource.OPEN);
  // A browser opens six connections to a server, and hidden tabs need none.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) source?.close();
    else connect();
  });
  setInterval(() => tools.showAges(now()), 1000);
  tools.showAges(now());
  if (!document.hidden) connect();
}
