/** The style of the page: no font, image or sheet from elsewhere; every pair of colours has a contrast of at least 4.5. */

export const style = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1a1f26; --quiet: #525b67; --line: #dde1e7; --field: #7b8490; --head: #eceff3;
  --link: #0a4fa3; --focus: #0a4fa3; --chosen: #1a1f26; --on-chosen: #fff;
  --good: #0b5c2c; --good-back: #e3f4e9; --good-line: #2b9a5a;
  --out: #4a515a; --out-back: #e9ecf0;
  --warn: #6b4700; --warn-back: #fdf1d3; --warn-line: #d29b1f;
  --bad: #8f1616; --bad-back: #fde6e4; --bad-line: #cf3a33;
  --flash: #fff1bd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101316; --card: #181c21; --text: #e7eaee; --quiet: #a7b0bb; --line: #2c323a; --field: #77808c; --head: #20252b;
    --link: #8ab8ff; --focus: #8ab8ff; --chosen: #e7eaee; --on-chosen: #101316;
    --good: #8fe0ac; --good-back: #11291c; --good-line: #2f9d60;
    --out: #c3cad2; --out-back: #2a3037;
    --warn: #f2cd7a; --warn-back: #2c240f; --warn-line: #b4871e;
    --bad: #ffb3ab; --bad-back: #38181a; --bad-line: #d4524a;
    --flash: #3d3513;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 2.5rem; }
body {
  margin: 0; background: var(--page); color: var(--text); font: .9375rem/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums;
}
header, main, footer { max-width: 88rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 1.5rem; padding-block: .9rem .6rem; }
h1, h2, p, dl, dd, ul { margin: 0; }
h1 { font-size: 1.15rem; font-weight: 650; }
h2 { font-size: 1.05rem; font-weight: 650; }
a { color: var(--link); }
code { font: .85em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: .2rem; }
.skip { position: absolute; left: -100vw; background: var(--card); padding: .5rem 1rem; }
.skip:focus { left: .5rem; top: .5rem; z-index: 3; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.quiet, .note, .since, footer, td code { color: var(--quiet); }
#live { color: var(--quiet); font-size: .875rem; }
#live::before { content: "●" / ""; color: var(--good-line); margin-right: .4rem; }
#live.lost {
  position: fixed; z-index: 2; left: 0; right: 0; bottom: 0; padding: .6rem 1rem; color: var(--bad); background: var(--bad-back);
  border-top: 2px solid var(--bad-line); font-size: 1rem;
}
#live.lost::before { content: "▲" / ""; color: var(--bad-line); }
.verdict { border: 1px solid var(--line); border-left: .4rem solid var(--field); border-radius: .4rem; background: var(--card); padding: .7rem 1rem; }
.verdict h2 { font-size: 1.5rem; line-height: 1.25; }
.verdict.good { border-left-color: var(--good-line); }
.verdict.good h2 { color: var(--good); }
.verdict.warn { border-color: var(--warn-line); }
.verdict.warn h2 { color: var(--warn); }
.verdict.bad { border-color: var(--bad-line); }
.verdict.bad h2 { color: var(--bad); }
.troubles { list-style: none; padding: 0; margin-top: .6rem; display: grid; gap: .5rem; }
.troubles li { background: var(--warn-back); border-radius: .3rem; padding: .5rem .75rem; overflow-wrap: anywhere; }
.troubles li.bad { background: var(--bad-back); }
.troubles .what { font-weight: 600; color: var(--warn); }
.troubles .bad .what { color: var(--bad); }
.troubles .since { font-weight: 400; color: inherit; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: .75rem; margin-top: .5rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .9rem .7rem; min-width: 0; }
.card h2 { font-size: .9375rem; margin-bottom: .3rem; }
.card dl div { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: .6rem; padding: .12rem 0; font-size: .875rem; }
dt { color: var(--quiet); }
dd { overflow-wrap: anywhere; }
dd.bad { color: var(--bad); font-weight: 600; }
search { display: block; margin-top: 1rem; }
form { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; }
.words { flex: 1 1 15rem; max-width: 32rem; display: grid; gap: .2rem; }
.words span, legend { font-size: .875rem; color: var(--quiet); padding: 0; }
input[type=search], button {
  font: inherit; color: var(--text); background: var(--card); min-width: 0; min-height: 2.5rem; padding: .3rem .7rem;
  border: 1px solid var(--field); border-radius: .4rem; width: 100%;
}
button { cursor: pointer; width: auto; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend { margin-bottom: .2rem; }
fieldset div { display: flex; flex-wrap: wrap; gap: .35rem; }
fieldset label { position: relative; display: inline-flex; }
fieldset input { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
fieldset label > span {
  display: inline-flex; gap: .4rem; align-items: center; min-height: 2.5rem; padding: .3rem .8rem; border: 1px solid var(--field); border-radius: .4rem;
  background: var(--card);
}
fieldset label > span > span { color: var(--quiet); }
fieldset input:checked + span { background: var(--chosen); border-color: var(--chosen); color: var(--on-chosen); }
fieldset input:checked + span > span { color: inherit; }
fieldset input:focus-visible + span { outline: 3px solid var(--focus); outline-offset: 2px; }
nav.jumps { display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin-top: .5rem; }
nav.jumps a, footer a { display: inline-block; padding: .25rem 0; }
nav.jumps span { color: var(--quiet); }
main > section[id] { margin-top: 1.5rem; }
.note { margin: .1rem 0 .5rem; font-size: .875rem; }
table { border-collapse: separate; border-spacing: 0; table-layout: fixed; width: 100%; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; font-weight: 400; }
thead th { position: sticky; top: 0; z-index: 1; background: var(--head); color: var(--quiet); font-size: .8125rem; font-weight: 600; }
tbody tr:last-child > * { border-bottom: 0; }
tbody th { font-weight: 600; }
tr.wrong > th { box-shadow: inset .25rem 0 var(--bad-line); }
th.name { width: 22%; } th.state { width: 15rem; } th.number { width: 6.5rem; } th.time { width: 19.5rem; } th.place { width: 18%; }
thead th.number, td.number { text-align: right; }
td ul { padding-left: 1.1rem; }
.problems { color: var(--bad); }
td .since { font-size: .8125rem; }
td code { white-space: normal; }
time[data-age]::after { content: " (" attr(data-age) ")"; }
.badge { display: inline-block; white-space: nowrap; padding: 0 .5rem; border-radius: .3rem; font-size: .8125rem; line-height: 1.45rem; }
.badge::before { margin-right: .35rem; font-size: .7em; vertical-align: .1em; }
.badge.in { color: var(--good); background: var(--good-back); }
.badge.in::before { content: "●" / ""; }
.badge.out { color: var(--out); background: var(--out-back); }
.badge.out::before { content: "○" / ""; }
.badge.problem { color: var(--bad); background: var(--bad-back); }
.badge.problem::before { content: "▲" / ""; }
footer { padding-block: 1.5rem 4rem; font-size: .875rem; }
footer a { margin-right: 1rem; }
@media (max-width: 52rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody { display: block; }
  table { background: none; border: 0; }
  tr { display: block; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; margin-bottom: .5rem; padding: .45rem .75rem; }
  tr.wrong { border-left: .25rem solid var(--bad-line); }
  tr.wrong > th { box-shadow: none; }
  tbody th, td { display: block; border: 0; padding: .12rem 0; width: auto; }
  td { display: grid; grid-template-columns: 6rem minmax(0, 1fr); font-size: .875rem; }
  td.number { text-align: left; }
  td::before { grid-row: 1 / span 9; content: attr(data-label); content: attr(data-label) / ""; color: var(--quiet); }
  td > * { grid-column: 2; justify-self: start; }
  .words { max-width: none; flex-basis: 100%; }
  fieldset label > span { padding-inline: .6rem; }
}
`;
