/** The style of the page: no font, image or sheet from elsewhere; every pair of colours has a contrast of at least 4.5. */

export const style = `
:root {
  color-scheme: light dark;
  --page: #fff; --card: #f5f6f8; --text: #1b1f24; --quiet: #545c66; --line: #d3d8de; --field: #7b8490;
  --link: #0a4fa3; --focus: #0a4fa3;
  --in: #0b5c2c; --in-back: #dcf3e4; --out: #4a515a; --out-back: #e4e7eb; --problem: #8f1616; --problem-back: #fde3e1;
  --flash: #fff3c4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1d2126; --text: #e8eaed; --quiet: #a9b1bb; --line: #363c44; --field: #7b8490;
    --link: #8ab8ff; --focus: #8ab8ff;
    --in: #8fe0ac; --in-back: #143322; --out: #c6ccd4; --out-back: #2c3138; --problem: #ffb0a8; --problem-back: #481a18;
    --flash: #3d3513;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 80rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1.5rem; padding-top: 1rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 0; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; background: var(--page); padding: .5rem 1rem; }
.skip:focus { left: 0; z-index: 1; }
[role=status], .none, footer { color: var(--quiet); }
[role=status] { margin: .25rem 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); gap: .5rem; margin: 1rem 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem; }
dl div.bad { border-color: var(--problem); border-left-width: .4rem; }
dt { color: var(--quiet); font-size: .875rem; }
dd { margin: 0; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1.5rem 0 0; }
label { display: grid; gap: .2rem; font-size: .875rem; color: var(--quiet); }
label.words { flex: 1 1 14rem; max-width: 30rem; }
input, select, button {
  font: inherit; color: var(--text); background: var(--page); min-width: 0; min-height: 2.75rem; padding: .4rem .7rem;
  border: 1px solid var(--field); border-radius: .4rem;
}
button { background: var(--card); cursor: pointer; }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { color: var(--quiet); font-size: .875rem; white-space: nowrap; }
tbody th { font-weight: 600; min-width: 10rem; }
ul { margin: 0; padding-left: 1.1rem; }
time { white-space: nowrap; }
time[data-age]::after { content: " (" attr(data-age) ")"; white-space: normal; }
.badge { display: inline-block; white-space: nowrap; padding: 0 .5rem; border-radius: .4rem; font-size: .875rem; }
.in { color: var(--in); background: var(--in-back); }
.out { color: var(--out); background: var(--out-back); }
.problem { color: var(--problem); background: var(--problem-back); }
footer { padding-top: 1.5rem; padding-bottom: 2rem; }
footer a { margin-right: 1rem; display: inline-block; padding: .25rem 0; }
@keyframes changed { from { background: var(--flash); } }
@media (prefers-reduced-motion: no-preference) { .changed { animation: changed 2s ease-out; } }
@media (max-width: 48rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody { display: block; }
  tr { display: block; border: 1px solid var(--line); border-radius: .4rem; margin-bottom: .6rem; padding: .4rem .75rem; }
  tbody th, td { display: block; border: 0; padding: .15rem 0; }
  td { display: grid; grid-template-columns: 6rem 1fr; }
  td::before { content: attr(data-label); content: attr(data-label) / ""; color: var(--quiet); font-size: .875rem; }
  td > * { justify-self: start; }
}
`;
