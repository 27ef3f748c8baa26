/** report.html of `splicebench conformance`: the matrix, and what stands behind each cell. Pure. */
import { escapeHtml } from '../../base/text/escape.js';
import type { Matrix, MatrixCase } from '../../tasks/conformance/suite.js';
import type { Fact } from '../model/document-blocks.js';
import {
  cellText,
  isChance,
  type MatrixCell,
  failureRateText,
} from '../../tasks/conformance/judge-case.js';
import { bulletList, factTable } from './page-parts.js';
import { pageOf } from './page-shell.js';

/** One file that needs nothing else, not even a network. */
export function conformancePage(matrix: Matrix): string {
  const cases = matrix.cases.map((one) => caseSection(one, matrix));
  return pageOf({
    title: 'Conformance of TCP forwarders',
    subtitle: subtitle(matrix),
    main: [matrixTable(matrix), versions(matrix), ...cases].join('\n'),
    footer: 'Made by splicebench conformance.',
  });
}

function subtitle({ cases, forwarders, times, cells }: Matrix): string {
  const played = times === 1 ? 'played once' : `played ${times} times`;
  const chance = cells.filter(isChance).length;
  const differed = times === 1 ? '' : `; ${chance} cells differed from one time to the next`;
  return `${cases.length} cases, ${forwarders.length} forwarders, ${played}${differed}`;
}

function cellOf({ cells }: Matrix, name: string, label: string): MatrixCell | undefined {
  return cells.find((one) => one.case === name && one.forwarder === label);
}

function matrixTable(matrix: Matrix): string {
  const { cases, forwarders } = matrix;
  const head = forwarders.map(
    ({ label }) => `<th scope="col" class="text">${escapeHtml(label)}</th>`,
  );
  const rows = cases.map(({ name }) => {
    const cells = forwarders.map(({ label }) => cellHtml(cellOf(matrix, name, label)));
    const link = `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`;
    return `<tr><th scope="row" class="text">${link}</th>${cells.join('')}</tr>`;
  });
  return `<section>
<h2>Cases and forwarders</h2>
<div class="scroll" tabindex="0" role="region" aria-label="matrix">
<table>
<caption>pass; FAIL failed/conversations; * differed from one time to the next, a matter of chance; ? inconclusive on this host; - not played</caption>
<thead><tr><th scope="col" class="text">case</th>${head.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</div>
</section>`;
}

function cellHtml(cell: MatrixCell | undefined): string {
  if (cell === undefined) return '<td class="text"></td>';
  const bad = cell.verdict === 'fail' ? ' bad-cell' : '';
  const why = cell.verdict === 'pass' ? '' : ` title="${escapeHtml(cell.reasons[0] ?? '')}"`;
  return `<td class="text${bad}"${why}>${escapeHtml(cellText(cell))}</td>`;
}

function versions({ forwarders }: Matrix): string {
  const facts = forwarders.flatMap(({ label, version }): Fact[] =>
    version === null ? [] : [[label, version]],
  );
  return facts.length === 0 ? '' : `<section>\n<h2>Versions</h2>\n${factTable(facts)}\n</section>`;
}

function caseSection(one: MatrixCase, matrix: Matrix): string {
  const facts: Fact[] = [
    ['asks', one.asks],
    ['right', one.right],
    ['rests on', one.rests],
    ['seen in', one.sources.join('; ')],
    ...(one.chance === null ? [] : [['by chance', one.chance] as Fact]),
  ];
  const told = matrix.cells.filter(
    (cell) =>
      cell.case === one.name && (cell.verdict === 'fail' || cell.verdict === 'inconclusive'),
  );
  return `<section id="${escapeHtml(one.name)}">
<h2>${escapeHtml(one.name)}</h2>
${factTable(facts)}
${told.map(cellDetails).join('\n')}
</section>`;
}

function cellDetails(cell: MatrixCell): string {
  const reasons = [failureRateText(cell) ?? [], cell.reasons].flat();
  const story =
    cell.story.length === 0
      ? ''
      : `<div class="scroll" tabindex="0" role="region" aria-label="story"><pre>${cell.story.map(escapeHtml).join('\n')}</pre></div>`;
  return `<details>
<summary>${escapeHtml(`${cell.forwarder}: ${cellText(cell)}`)}</summary>
${bulletList(reasons)}
${story}
</details>`;
}
