import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connectionSentence } from '../integrity/bounds.js';
import { groupIncidents } from '../integrity/groups.js';
import { violatedConnections } from '../integrity/fates.js';
import { integrityLine } from '../integrity/tally-text.js';
import { storedText } from '../integrity/stored-limits.js';
import { detectorSentence } from '../lab/proof-text.js';
import { axisTable, axisTitle, axisSentences } from './axis.js';
import { cellTable, tableNotes } from './cell-table.js';
import { axisCharts } from './chart-axis.js';
import { mapTable } from './chart-map.js';
import { type Chart, chartsOf, mapKey } from './charts.js';
import { checkText } from './condition.js';
import { escapeHtml, inlineJson } from './escape.js';
import { forwarderFacts, hostFacts, limitations, missing, runFacts, whose } from './facts.js';
import { groupText } from './incident-groups.js';
import { integrityTable, stressorTable, TRANSFERS } from './integrity-table.js';
import { type CellReport, type Exporter, type RunReport, cellsOf, needsSentence } from './model.js';
import { answerParagraph, bulletList, factTable, htmlTable, incidentHtml } from './page-parts.js';
import { pageScript } from './page-script.js';
import { PAGE_STYLE } from './page-style.js';
import { count, plural } from './quantity.js';
import { mapTitle, type RatioMap, ratioMaps } from './ratio-map.js';

/**
 * report.html: one file that needs nothing else, not even a network. Its content security policy
 * forbids requests, so that a label which tried to make one could not.
 */
export const htmlReport: Exporter = { file: 'report.html', write: page };

/** Incidents shown; incidents.jsonl has all that are stored. */
const SHOWN_INCIDENTS = 10;
/** Groups listed. */
const SHOWN_GROUPS = 20;
/** Of a matrix, so many conditions are open from the start. */
const OPEN_CELLS = 4;

function page(report: RunReport): string {
  const charts = chartsOf(report);
  const title = `splicebench: run ${report.manifest.run_id}`;
  const data = [...charts.values(), ...report.axes.map(axisCharts)]
    .flat()
    .map(({ name, option }) => ({ name, option }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="muted">${escapeHtml(subtitle(report))}</p>
</header>
<main>
${[
  verdictSection(report),
  axisSection(report),
  speedSection(report, 'none', charts),
  speedSection(report, 'full', charts),
  integritySection(report),
  incidentSection(report),
  howSection(report),
  limitSection(report),
  missingSection(report),
]
  .filter((section) => section !== '')
  .join('\n')}
</main>
<footer><p>${escapeHtml(`Made by splicebench ${report.manifest.splicebench} from trials.jsonl. Charts: Apache ECharts.`)}</p></footer>
<script type="application/json" id="charts">${inlineJson(data)}</script>
<script>${echartsSource()}</script>
<script>${pageScript()}</script>
</body>
</html>
`;
}

function subtitle(report: RunReport): string {
  const [host] = report.manifest.environment;
  const where = host === undefined ? '' : `, ${host.kernel}, ${host.cpu_model ?? 'unknown CPU'}`;
  return `${report.manifest.started}, ${plural(report.trials.length, 'trial')}${where}`;
}

function verdictSection({ verdict }: RunReport): string {
  const speed = verdict.speed.answer === 'faster' ? 'good' : '';
  const safety = { intact: 'good', violated: 'bad', 'not-checked': '' } as const;
  return `<section class="verdict" aria-label="Verdict">
${answerParagraph(verdict.speed.sentence, speed)}
${answerParagraph(verdict.safety.sentence, safety[verdict.safety.answer])}
${verdict.notes.length === 0 ? '' : bulletList(verdict.notes)}
</section>`;
}

function axisSection(report: RunReport): string {
  if (report.axes.length === 0) return '';
  const axes = report.axes.map((axis) => {
    const table = { ...axisTable(axis, true), numeric: 1 };
    const sentences = axisSentences(axis);
    return `<h3>${escapeHtml(axisTitle(axis))}</h3>
${sentences.length === 0 ? '' : bulletList(sentences)}
${htmlTable(table, axisTitle(axis))}
${axisCharts(axis).map(figureHtml).join('\n')}`;
  });
  return `<section>
<h2>Along an axis</h2>
${axes.join('\n')}
</section>`;
}

function speedSection(
  report: RunReport,
  check: 'none' | 'full',
  charts: ReadonlyMap<string, Chart[]>,
): string {
  const cells = cellsOf(report, check);
  if (cells.length === 0) return '';
  const [heading, meaning] =
    check === 'none'
      ? ['Speed', 'The sink discards what it receives (check: none), to stay out of the way.']
      : [
          'Speed while every byte is checked',
          'The sink compares every byte (check: full). Not to be compared with check: none.',
        ];
  const sections = cells.map((cell, index) =>
    cellSection(report, cell, charts.get(cell.cell) ?? [], index < OPEN_CELLS),
  );
  const maps = ratioMaps(report)
    .filter((map) => map.check === check)
    .map((map) => mapSection(map, charts.get(mapKey(map)) ?? []));
  return `<section>
<h2>${escapeHtml(heading)}</h2>
<p class="muted">${escapeHtml(meaning)}</p>
${[...maps, ...sections].join('\n')}
</section>`;
}

function mapSection(map: RatioMap, charts: readonly Chart[]): string {
  return `<h3>${escapeHtml(mapTitle(map))}</h3>
${map.sentences.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('\n')}
${charts.map(figureHtml).join('\n')}
${htmlTable(mapTable(map), mapTitle(map))}`;
}

function cellSection(
  report: RunReport,
  cell: CellReport,
  charts: readonly Chart[],
  open: boolean,
): string {
  const plain = cellTable(cell, 'wide');
  const title = `${cell.title}, ${plural(cell.blocks, 'block')}, ${checkText(cell)}`;
  const table = { head: plain.head.map((head) => head.title), rows: plain.rows, numeric: 1 };
  const notes = tableNotes(cell, plain);
  return `<details${open ? ' open' : ''}>
<summary>${escapeHtml(title)}</summary>
${cell.speed === null || !needsSentence(report, cell) ? '' : `<p>${escapeHtml(cell.speed.sentence)}</p>`}
${htmlTable(table, `Medians per forwarder: ${title}`)}
${notes.map((note) => `<p class="notes">${escapeHtml(note)}</p>`).join('\n')}
${charts.map(figureHtml).join('\n')}
</details>`;
}

function figureHtml({ name, title, alt, height }: Chart): string {
  return `<figure><div class="chart" id="chart-${name}" role="img" aria-label="${escapeHtml(`${title}. ${alt}`)}" style="height:${height}px"></div><figcaption>${escapeHtml(title)}</figcaption></figure>`;
}

function integritySection(report: RunReport): string {
  const { total } = report;
  const perConnection =
    total.perConnection !== null
      ? `<p>${escapeHtml(`Corruption comes in bursts, so per connection too: ${connectionSentence(violatedConnections(total.fates), total.checkedConnections)}.`)}</p>`
      : '';
  const bad = new Set(
    report.tallies.filter((sum) => sum.violatedTrials > 0).map((sum) => sum.forwarder),
  );
  const rows = integrityTable(report);
  const stressors = stressorTable(report);
  return `<section>
<h2>Integrity</h2>
<p>${escapeHtml(`Corrupted stretches in the bytes compared: ${integrityLine(total)}.`)}</p>
${perConnection}
<p>${escapeHtml(detectorSentence(report.manifest.detectors))}</p>
${htmlTable(rows, 'What the byte checks found, per forwarder', (row) => {
  if (row[0] === 'all' && row === rows.rows.at(-1)) return 'total';
  return bad.has(row[0] ?? '') ? 'bad-cell' : '';
})}
<p class="notes">${escapeHtml(TRANSFERS)}</p>
${stressors.rows.length === 0 ? '' : `<details><summary>By condition</summary>\n${htmlTable(stressors, 'What the byte checks found, per condition and forwarder')}\n</details>`}
</section>`;
}

function incidentSection({ incidents, total }: RunReport): string {
  if (incidents.length === 0) return '';
  const groups = groupIncidents(incidents);
  const firsts = groups.flatMap(({ numbers }) => incidents[(numbers[0] ?? 1) - 1] ?? []);
  const shown = [...new Set([...firsts, ...incidents])].slice(0, SHOWN_INCIDENTS);
  const more = incidents.length - shown.length;
  const further = groups.length - SHOWN_GROUPS;
  return `<section>
<h2>Incidents</h2>
<p>By class and by how they lie to the calls that carried them:</p>
${bulletList(groups.slice(0, SHOWN_GROUPS).map(groupText), true)}
${further > 0 ? `<p>${escapeHtml(`${plural(further, 'further group')}: splicebench explain.`)}</p>` : ''}
<p class="muted">The first of each group comes first. Expected and received bytes side by side; bytes that differ are marked.</p>
${shown.map(incidentHtml).join('\n')}
${more > 0 ? `<p>${count(more)} more in incidents.jsonl: ${storedText(incidents.length, total.incidents)}.</p>` : ''}
</section>`;
}

function howSection(report: RunReport): string {
  const forwarders = forwarderFacts(report);
  return `<section>
<h2>How it was measured</h2>
${factTable(runFacts(report))}
${report.manifest.environment
  .map(
    (host) => `<h3>${escapeHtml(`Host ${host.host}`)}</h3>\n${factTable(hostFacts(report, host))}`,
  )
  .join('\n')}
${forwarders.length === 0 ? '' : `<h3>Forwarders</h3>\n${factTable(forwarders)}`}
</section>`;
}

function limitSection(report: RunReport): string {
  const limits = limitations(report);
  return limits.length === 0
    ? ''
    : `<section>\n<h2>What this cannot say</h2>\n${bulletList(limits)}\n</section>`;
}

function missingSection(report: RunReport): string {
  const items = missing(report);
  if (items.length === 0) return '';
  const lines = items.map((item) => `${item.what} of ${whose(item, report)}: ${item.reason}`);
  return `<section>\n<h2>Unavailable</h2>\n${bulletList(lines)}\n</section>`;
}

let source: string | undefined;

/** The chart library's own text, so that the page needs no network. */
function echartsSource(): string {
  source ??= readFileSync(
    createRequire(import.meta.url).resolve('echarts/dist/echarts.min.js'),
    'utf8',
  ).replaceAll(/<(?=\/script|!--)/gi, String.raw`\x3c`);
  return source;
}
