import { incidentCallLines, hexRows } from '../../data/integrity/incident-text.js';
import type { StoredIncident } from '../../data/record/record.js';
import { escapeHtml } from '../../base/text/escape.js';
import type { Chart } from '../charts/chart.js';
import type { Fact, Table } from '../model/document-blocks.js';
import { flatTable } from '../model/flat-table.js';
import { plural } from '../../base/units/quantity.js';

/** Pieces of report.html. Every text is escaped here, at the last moment before it becomes HTML. */

/** Text between tags, with a figure and its percent sign kept on one line. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(' %', '&nbsp;%');
}

/** A data table; its first column are row headings. */
export function htmlTable(table: Table): string {
  const { columns, rows, notes } = flatTable(table, 'page');
  const kind = (column: number) => (columns[column]?.kind === 'figure' ? 'figure' : 'text');
  const head = columns.map(
    ({ title }, column) => `<th scope="col" class="${kind(column)}">${prose(title)}</th>`,
  );
  const body = rows.map(({ texts, mark }) => {
    const cells = texts.map((text, column) =>
      column === 0
        ? `<th scope="row" class="text">${escapeHtml(text)}</th>`
        : `<td class="${kind(column)}">${escapeHtml(text)}</td>`,
    );
    const name = mark === 'bad' ? 'bad-cell' : mark === 'total' ? 'total' : '';
    return `<tr${name === '' ? '' : ` class="${name}"`}>${cells.join('')}</tr>`;
  });
  const caption = escapeHtml(table.caption);
  return `<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
<table><caption>${prose(table.caption)}</caption>
<thead><tr>${head.join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table></div>
${notes.map((note) => `<p class="notes">${escapeHtml(note)}</p>`).join('\n')}`.trimEnd();
}

/** Names and values. */
export function factTable(facts: readonly Fact[]): string {
  const rows = facts.map(
    ([name, value]) =>
      `<tr><th scope="row" class="text">${escapeHtml(name)}</th><td class="text">${escapeHtml(value)}</td></tr>`,
  );
  return `<table class="facts"><tbody>\n${rows.join('\n')}\n</tbody></table>`;
}

export function figureHtml({ name, title, alt, height }: Chart): string {
  return `<figure><div class="chart" id="chart-${name}" role="img" aria-label="${escapeHtml(`${title}. ${alt}`)}" style="height:${height}px"></div><figcaption>${escapeHtml(title)}</figcaption></figure>`;
}

/** Files beside the page, and what each has. */
export function linkList(links: readonly { file: string; text: string }[]): string {
  const items = links.map(
    ({ file, text }) =>
      `<li><a href="${escapeHtml(file)}">${escapeHtml(file)}</a>: ${escapeHtml(text)}</li>`,
  );
  return `<ul>\n${items.join('\n')}\n</ul>`;
}

export function bulletList(items: readonly string[], numbered = false): string {
  const tag = numbered ? 'ol' : 'ul';
  return `<${tag}>\n${items.map((item) => `<li>${prose(item)}</li>`).join('\n')}\n</${tag}>`;
}

/** A sentence whose word before the first colon, the answer, stands out. */
export function answerParagraph(sentence: string, kind: 'good' | 'bad' | ''): string {
  const colon = sentence.indexOf(':');
  const answer = colon < 0 ? '' : `<strong>${escapeHtml(sentence.slice(0, colon + 1))}</strong> `;
  return `<p class="${kind}">${answer}${prose(sentence.slice(colon + 1))}</p>`;
}

const MOST_ROWS = 20;

/** The bytes of an incident, expected and received, those that differ marked, and the calls around it. */
export function incidentBytes(incident: StoredIncident): string {
  const rows = hexRows(incident, 16);
  const shown = rows.slice(0, MOST_ROWS);
  const dump = shown.map(({ address, expected, received, differs }) => {
    const column = (hex: readonly (string | null)[]) =>
      hex
        .map((pair, i) => {
          if (pair === null) return '  ';
          return differs[i] === true ? `<mark>${escapeHtml(pair)}</mark>` : escapeHtml(pair);
        })
        .join(' ');
    return `${address.toString(16).padStart(6, '0')}  ${column(expected)}  | ${column(received)}`;
  });
  const head = `        ${'expected'.padEnd(47)}  | received`;
  const left = rows.length - shown.length;
  const calls = incidentCallLines(incident).map((line) => escapePreformatted(line));
  const lines = [
    ...(dump.length === 0 ? [] : [head, ...dump]),
    ...(left > 0 ? [`… ${plural(left, 'more row')} stored`] : []),
    ...(dump.length > 0 && calls.length > 0 ? [''] : []),
    ...calls,
  ];
  const title = `${incident.forwarder}, trial ${incident.trial_id}`;
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(`Bytes of the incident, ${title}`)}"><pre>${lines.join('\n')}</pre></div>`;
}

/** Escapes a line but keeps the spaces it is aligned with. */
function escapePreformatted(line: string): string {
  return line
    .split(' ')
    .map((word) => escapeHtml(word))
    .join(' ');
}
