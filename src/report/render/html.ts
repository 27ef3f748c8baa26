import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { escapeHtml, inlineJson } from '../../base/text/escape.js';
import { type Chart } from '../charts/chart.js';
import { chartsOf } from '../charts/charts.js';
import { type Block, type Section, shownIn } from '../model/document-blocks.js';
import { documentOf } from '../model/report-document.js';
import { type Exporter, type RunReport } from '../model/report-types.js';
import {
  answerParagraph,
  bulletList,
  factTable,
  figureHtml,
  htmlTable,
  incidentBytes,
  linkList,
} from './page-parts.js';
import { pageScript } from './page-script.js';
import { pageOf } from './page-shell.js';

/**
 * report.html: one file that needs nothing else, not even a network. Its content security policy
 * forbids requests, so that a label which tried to make one could not.
 */
export const htmlReport: Exporter = { file: 'report.html', write: page };

type ChartMap = ReadonlyMap<string, readonly Chart[]>;

function page(report: RunReport): string {
  const charts = chartsOf(report);
  const { title, subtitle, verdict, sections } = documentOf(report);
  const data = [...charts.values()].flat().map(({ name, option }) => ({ name, option }));
  const parts = shownIn('page', sections).map((section) => topSection(section, charts));
  return pageOf({
    title,
    subtitle,
    main: `<section class="verdict" aria-label="${escapeHtml(verdict.heading)}">
${blocksHtml(verdict.blocks, charts)}
</section>
${parts.join('\n')}`,
    footer: `Made by splicebench ${report.manifest.splicebench} from trials.jsonl. Charts: Apache ECharts.`,
    scripts: `<script type="application/json" id="charts">${inlineJson(data)}</script>
<script>${echartsSource()}</script>
<script>${pageScript()}</script>`,
  });
}

function topSection({ heading, blocks }: Section, charts: ChartMap): string {
  return `<section>
<h2>${escapeHtml(heading)}</h2>
${blocksHtml(blocks, charts)}
</section>`;
}

function blocksHtml(blocks: readonly Block[], charts: ChartMap): string {
  return shownIn('page', blocks)
    .map((block) => blockHtml(block, charts))
    .filter((html) => html !== '')
    .join('\n');
}

function blockHtml(block: Block, charts: ChartMap): string {
  switch (block.kind) {
    case 'section':
      return innerSection(block, charts);
    case 'paragraph':
      return paragraphHtml(block);
    case 'list':
      return bulletList(block.items, block.numbered);
    case 'table':
      return htmlTable(block);
    case 'facts':
      return factTable(block.facts);
    case 'charts':
      return (charts.get(block.of) ?? []).map(figureHtml).join('\n');
    case 'time-lines':
      return '';
    case 'incident':
      return incidentBytes(block.incident);
    case 'links':
      return linkList(block.links);
  }
}

function paragraphHtml({ role, text, tone }: Extract<Block, { kind: 'paragraph' }>): string {
  if (role === 'answer') return answerParagraph(text, tone ?? '');
  return `<p${role === 'aside' ? ' class="muted"' : ''}>${escapeHtml(text)}</p>`;
}

function innerSection({ heading, blocks, fold }: Section, charts: ChartMap): string {
  const inner = blocksHtml(blocks, charts);
  if (fold === undefined) return `<h3>${escapeHtml(heading)}</h3>\n${inner}`;
  return `<details${fold === 'open' ? ' open' : ''}>
<summary>${escapeHtml(heading)}</summary>
${inner}
</details>`;
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
