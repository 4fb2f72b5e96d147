/** The script of the page: live changes, and a search without a reload. Without it the same form and the same table work. */

export const script = String.raw`
'use strict';
const form = document.querySelector('form');
const words = form.elements.q;
const live = document.getElementById('live');
let seen = document.body.dataset.view;
let source, typing, retry, telling, changed = 0;

function tell(text) {
  if (live.textContent !== text) live.textContent = text;
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
  source.onopen = () => tell('Live');
  source.onerror = ({ target }) => {
    if (target !== source) return;
    if (target.readyState === EventSource.CONNECTING) return tell('Not live: the connection is lost, and is tried again');
    tell('Not live: the server takes no more readers now; tried again in 30 s');
    retry = setTimeout(connect, 30_000);
  };
  source.addEventListener('change', ({ data, lastEventId }) => {
    seen = lastEventId;
    apply(JSON.parse(data));
  });
}

function apply({ facts, tables }) {
  if (facts !== undefined) document.getElementById('facts').innerHTML = facts;
  for (const table of tables) applyTable(table);
  age();
}

function applyTable({ id, note, isWhole, remove, put }) {
  const body = document.querySelector('#' + id + ' tbody');
  const line = document.querySelector('#' + id + ' [role=status]');
  if (line.innerHTML !== note) line.innerHTML = note;
  if (isWhole) body.replaceChildren();
  const rows = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  for (const key of remove) rows.get(key)?.remove();
  for (const [key, html, below] of put) {
    const template = document.createElement('template');
    template.innerHTML = html;
    const row = template.content.firstElementChild;
    if (!isWhole) row.classList.add('changed');
    rows.get(key)?.remove();
    body.insertBefore(row, rows.get(below) ?? null);
    rows.set(key, row);
  }
  document.querySelector('#' + id + ' table').hidden = body.rows.length === 0;
  if (!isWhole) announce(remove.length + put.length);
}

// A screen reader says each text in full: one in a while, with the number since the last.
function announce(number) {
  changed += number;
  telling ??= setTimeout(() => {
    tell('Live: ' + changed + (changed === 1 ? ' row' : ' rows') + ' changed at ' + new Date().toLocaleTimeString());
    telling = undefined;
    changed = 0;
  }, 1000);
}

function search() {
  clearTimeout(typing);
  history.replaceState(null, '', '?' + asked());
  connect();
}

const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]];
const ages = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

function age() {
  for (const time of document.querySelectorAll('time')) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const [unit, size] = UNITS.find((each) => Math.abs(seconds) >= each[1]) ?? UNITS[3];
    time.dataset.age = ages.format(Math.trunc(seconds / size), unit);
  }
}

form.addEventListener('submit', (event) => {
  // Without a stream the server still answers a form.
  if (source?.readyState === EventSource.CLOSED) return;
  event.preventDefault();
  search();
});
form.elements.state.addEventListener('change', search);
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
