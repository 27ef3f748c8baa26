import { callLines, hexRows, incidentSentence } from '../integrity/incident-text.js';
import { relationOf } from '../integrity/relation.js';
import type { StoredIncident } from '../results/record.js';
import { escapeHtml } from './escape.js';
import type { Fact, PlainTable } from './facts.js';
import { plural } from './quantity.js';

/** Pieces of report.html. Every text is escaped here, at the last moment before it becomes HTML. */

/** Text between tags, with a figure and its percent sign kept on one line. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(' %', '&nbsp;%');
}

/** A data table; its first column are row headings. */
export function htmlTable(
  table: PlainTable,
  caption: string,
  rowClass: (row: readonly string[]) => string = () => '',
): string {
  const kind = (column: number) => (column < table.numeric ? 'text' : 'figure');
  const head = table.head.map(
    (text, column) => `<th scope="col" class="${kind(column)}">${prose(text)}</th>`,
  );
  const rows = table.rows.map((row) => {
    const cells = row.map((text, column) =>
      column === 0
        ? `<th scope="row" class="text">${escapeHtml(text)}</th>`
        : `<td class="${kind(column)}">${escapeHtml(text)}</td>`,
    );
    const name = rowClass(row);
    return `<tr${name === '' ? '' : ` class="${name}"`}>${cells.join('')}</tr>`;
  });
  const title = escapeHtml(caption);
  return `<div class="scroll" tabindex="0" role="region" aria-label="${title}">
<table><caption>${prose(caption)}</caption>
<thead><tr>${head.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>`;
}

/** Names and values. */
export function factTable(facts: readonly Fact[]): string {
  const rows = facts.map(
    ([name, value]) =>
      `<tr><th scope="row" class="text">${escapeHtml(name)}</th><td class="text">${escapeHtml(value)}</td></tr>`,
  );
  return `<table class="facts"><tbody>\n${rows.join('\n')}\n</tbody></table>`;
}

/** @param numbered whether the lines say their own numbers, and want no bullet before them */
export function bulletList(lines: readonly string[], numbered = false): string {
  return `<ul${numbered ? ' class="numbered"' : ''}>\n${lines.map((line) => `<li>${prose(line)}</li>`).join('\n')}\n</ul>`;
}

/** A sentence whose word before the first colon, the answer, stands out. */
export function answerParagraph(sentence: string, kind: 'good' | 'bad' | ''): string {
  const colon = sentence.indexOf(':');
  const answer = colon < 0 ? '' : `<strong>${escapeHtml(sentence.slice(0, colon + 1))}</strong> `;
  return `<p class="${kind}">${answer}${prose(sentence.slice(colon + 1))}</p>`;
}

const MOST_ROWS = 20;

/** One incident: the sentence, both dumps with the differing bytes marked, the calls, and how it lies to them. */
export function incidentHtml(incident: StoredIncident): string {
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
  const calls = callLines(incident).map((line) => escapePreformatted(line));
  const lines = [
    ...(dump.length === 0 ? [] : [head, ...dump]),
    ...(left > 0 ? [`… ${plural(left, 'more row')} stored`] : []),
    ...(dump.length > 0 && calls.length > 0 ? [''] : []),
    ...calls,
  ];
  const title = `${incident.forwarder}, trial ${incident.trial_id}`;
  return `<h3>${escapeHtml(title)}</h3>
<p>${escapeHtml(incidentSentence(incident))}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(`Bytes of the incident, ${title}`)}"><pre>${lines.join('\n')}</pre></div>
<p>${escapeHtml(relationOf(incident).sentences.join(' '))}</p>`;
}

/** Escapes a line but keeps the spaces it is aligned with. */
function escapePreformatted(line: string): string {
  return line
    .split(' ')
    .map((word) => escapeHtml(word))
    .join(' ');
}
