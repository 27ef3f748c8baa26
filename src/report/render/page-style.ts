/** The style sheet of report.html: the reader's light or dark, and paper. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c1e21; --muted: #5b6168; --rule: #dfe2e6; --band: #f5f7f9;
  --good: #1a7f37; --bad: #b42318; --accent: #2f6db3; --mark: #ffd9d4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16191d; --ink: #e6e8ea; --muted: #a3abb3; --rule: #363c43; --band: #1d2228;
    --good: #57c47a; --bad: #ff8a7a; --accent: #6fb1f2; --mark: #6b2a22;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif;
}
main, header, footer { max-width: 1000px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
footer { padding-bottom: 40px; color: var(--muted); font-size: 13px; }
h1 { font-size: 22px; line-height: 1.3; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 8px; padding-top: 10px; border-top: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 20px 0 6px; overflow-wrap: anywhere; }
p { margin: 6px 0; overflow-wrap: anywhere; }
.muted, .notes { color: var(--muted); font-size: 13px; }
.verdict { border-left: 4px solid var(--accent); background: var(--band); padding: 10px 16px; margin: 16px 0; }
.verdict p { font-size: 17px; }
.verdict p.good strong { color: var(--good); }
.verdict p.bad strong, .bad-cell { color: var(--bad); }
.verdict ul { margin: 8px 0 2px; padding-left: 20px; }
.scroll { overflow: auto hidden; margin: 8px 0; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); font-size: 13px; padding-bottom: 4px; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: top; }
th { font-weight: 600; }
thead th { color: var(--muted); font-weight: 500; vertical-align: bottom; }
th.text, td.text { text-align: left; }
td.text { min-width: 7em; }
tbody th { overflow-wrap: anywhere; min-width: 8em; }
td.figure { white-space: nowrap; }
thead th { min-width: 5.5em; }
tr.total th, tr.total td { border-top: 2px solid var(--rule); font-weight: 600; }
table.facts th { width: 30%; font-weight: 500; color: var(--muted); }
table.facts td { overflow-wrap: anywhere; }
details { border: 1px solid var(--rule); border-radius: 6px; padding: 4px 14px 10px; margin: 12px 0; }
summary { cursor: pointer; padding: 6px 0; font-weight: 600; overflow-wrap: anywhere; }
figure { margin: 18px 0; overflow: auto hidden; position: relative; }
figcaption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.chart { width: 100%; min-width: 640px; }
pre { font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; margin: 0; padding: 10px;
  background: var(--band); border-radius: 6px; width: max-content; min-width: 100%; }
mark { background: var(--mark); color: inherit; text-decoration: underline; }
ul { padding-left: 20px; }
ul.numbered { list-style: none; padding-left: 0; }
li { margin: 4px 0; overflow-wrap: anywhere; }
@media print {
  :root { --paper: #ffffff; --ink: #000000; --muted: #444444; --rule: #bbbbbb; --band: #f5f5f5;
    --good: #0b5c22; --bad: #8c1a10; --accent: #2f6db3; --mark: #e0e0e0; }
  body { font-size: 11pt; }
  main, header, footer { max-width: none; padding: 0; }
  .scroll, figure { overflow: visible; }
  .chart { min-width: 0; }
  table { font-size: 9pt; }
  th, td { padding: 3px 5px; }
  pre { font-size: 7pt; width: auto; white-space: pre-wrap; }
  figure, tr, .verdict { break-inside: avoid; }
  h2, h3, summary { break-after: avoid; }
  details { border: 0; padding: 0; }
}
`;
