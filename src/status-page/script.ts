/** The script of the page: live changes, and a search without a reload. Without it the same form and the same table work. */

export const script = String.raw`
'use strict';
const form = document.querySelector('form');
const words = form.elements.q;
const live = document.getElementById('live');
const said = document.getElementById('said');
const calm = matchMedia('(prefers-reduced-motion: reduce)');
// The clock of the reader may be wrong; that of the server made the times.
const skew = Date.parse(document.body.dataset.now) - Date.now();
const now = () => Date.now() + skew;
let seen = document.body.dataset.view;
let source, typing, retry, lost, isSearching = false;

function tell(text) {
  if (live.textContent !== text) live.textContent = text;
}

// Read out by a screen reader, and not shown: what a search found, and when the verdict is another one.
function say(text) {
  said.textContent = text;
}

function clock() {
  return new Date(now()).toISOString().slice(11, 19) + ' UTC';
}

function asked() {
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (value === '') query.delete(name);
  return query;
}

function connect() {
  clearTimeout(retry);
  source?.close();
  const query = asked();
  query.set('view', seen);
  source = new EventSource('events?' + query);
  source.onopen = () => {
    lost = undefined;
    live.classList.remove('lost');
    tell('Live');
  };
  source.onerror = ({ target }) => {
    if (target !== source) return;
    lost ??= clock();
    live.classList.add('lost');
    if (target.readyState === EventSource.CONNECTING)
      return tell('Not live since ' + lost + ': the connection is lost, and is tried again. What you see may be old.');
    tell('Not live since ' + lost + ': the server takes no more readers now; tried again in 30 s.');
    retry = setTimeout(connect, 30_000);
  };
  source.addEventListener('change', ({ target, data, lastEventId }) => {
    if (target !== source) return;
    seen = lastEventId;
    apply(JSON.parse(data));
  });
}

function apply({ pieces, tables }) {
  for (const [key, html] of pieces) {
    const old = document.querySelector('[data-piece="' + CSS.escape(key) + '"]');
    if (old === null) return location.reload();
    const next = old.cloneNode(false);
    next.innerHTML = html;
    morph(old, next);
  }
  for (const table of tables) applyTable(table);
  age();
  headline();
  if (!isSearching) return;
  isSearching = false;
  say([...document.querySelectorAll('.note')].map((note) => note.textContent).join('. '));
}

function headline() {
  const { textContent: text } = document.getElementById('verdict');
  const title = text + ' · ' + document.body.dataset.title;
  if (document.title === title) return;
  document.title = title;
  say(text);
}

// Changes what differs and nothing else: focus, selection and scroll stay where they are.
function morph(from, to) {
  if (from.nodeName !== to.nodeName) return from.replaceWith(to);
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  const old = [...from.childNodes];
  const next = [...to.childNodes];
  next.forEach((node, at) => (old[at] === undefined ? from.append(node) : morph(old[at], node)));
  for (const node of old.slice(next.length)) node.remove();
}

function applyTable({ id, isWhole, remove, put }) {
  const body = document.querySelector('#' + id + ' tbody');
  const rows = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const kept = new Set(put.map(([key]) => key));
  const gone = isWhole ? [...rows.keys()].filter((key) => !kept.has(key)) : remove;
  for (const key of gone) {
    rows.get(key)?.remove();
    rows.delete(key);
  }
  for (const [key, html, below] of put) {
    const template = document.createElement('template');
    template.innerHTML = html;
    const next = template.content.firstElementChild;
    const old = rows.get(key);
    if (old !== undefined) morph(old, next);
    const row = old ?? next;
    const place = rows.get(below) ?? null;
    if (row.parentNode !== body || row.nextElementSibling !== place) body.insertBefore(row, place);
    rows.set(key, row);
    if (!isWhole && !calm.matches)
      row.animate([{ backgroundColor: getComputedStyle(body).getPropertyValue('--flash') }, {}], 2000);
  }
  body.parentElement.hidden = body.rows.length === 0;
}

function search() {
  clearTimeout(typing);
  const query = String(asked());
  history.replaceState(null, '', (query === '' ? location.pathname : '?' + query) + location.hash);
  isSearching = true;
  connect();
}

const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]];
const ages = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' });

function age() {
  for (const time of document.querySelectorAll('time')) {
    const seconds = (Date.parse(time.dateTime) - now()) / 1000;
    const [unit, size] = UNITS.find((each) => Math.abs(seconds) >= each[1]) ?? UNITS[3];
    const text = Math.abs(seconds) < 1 ? 'now' : ages.format(Math.trunc(seconds / size), unit);
    if (time.dataset.age !== text) time.dataset.age = text;
  }
}

form.addEventListener('submit', (event) => {
  // Without a stream the server still answers a form.
  if (source?.readyState !== EventSource.OPEN) return;
  event.preventDefault();
  search();
});
for (const choice of form.elements.state) choice.addEventListener('change', search);
words.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(search, 150);
});
words.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || words.value === '') return;
  event.preventDefault();
  words.value = '';
  search();
});
// A browser opens six connections to a server, and hidden tabs need none.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) source?.close();
  else connect();
});
setInterval(age, 1000);
age();
if (!document.hidden) connect();
`;
