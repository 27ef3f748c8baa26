import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapeHtml, escapeMarkdown } from '../../src/base/text/escape.js';
import { printable } from '../../src/base/text/layout.js';
import {
  type Block,
  type Medium,
  type Section,
  type Table,
  WRITTEN,
} from '../../src/report/model/document-blocks.js';
import { flatTable } from '../../src/report/model/flat-table.js';
import { documentOf } from '../../src/report/model/report-document.js';
import type { RunReport } from '../../src/report/model/report-types.js';
import { htmlReport } from '../../src/report/render/html.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import { fakeReport, hardReport } from './report-fixture.js';

const RENDERED: Readonly<Record<Medium, (report: RunReport) => string>> = {
  terminal: (report) => terminalReport(report, { columns: 120, color: false }),
  markdown: (report) => markdownReport.write(report) as string,
  page: (report) => htmlReport.write(report) as string,
};
const ESCAPED: Readonly<Record<Medium, (text: string) => string>> = {
  terminal: printable,
  markdown: escapeMarkdown,
  page: escapeHtml,
};

/** Every block with the mediums that it and all around it appear in. */
function everyBlock(
  blocks: readonly Block[],
  around: readonly Medium[],
): { block: Block; mediums: readonly Medium[] }[] {
  return blocks.flatMap((block) => {
    const mediums = around.filter((medium) => block.in?.includes(medium) ?? true);
    const inner = block.kind === 'section' ? everyBlock(block.blocks, mediums) : [];
    return [{ block, mediums }, ...inner];
  });
}

/** What a block says by itself, apart from tables and drawings. */
function textsOf(block: Block): string[] {
  switch (block.kind) {
    case 'section':
      return [block.heading];
    case 'paragraph':
      return [block.text];
    case 'list':
      return block.items;
    case 'facts':
      return block.facts.map(([name]) => name);
    case 'links':
      return block.links.map(({ text }) => text);
    default:
      return [];
  }
}

/** Words only: lines are broken, and marks stand between words, differently in each medium. */
function words(text: string): string {
  return text.replaceAll(/&nbsp;|<\/?(?:strong|mark)>|\s+/g, ' ').replaceAll(/ +/g, ' ');
}

describe('the tree of a report', () => {
  for (const [name, report] of Object.entries({ plain: fakeReport(), hard: hardReport() })) {
    it(`is said whole in each medium that it is meant for (${name})`, () => {
      const { verdict, sections } = documentOf(report);
      const blocks = everyBlock([...verdict.blocks, ...sections], ['terminal', ...WRITTEN]);
      for (const medium of ['terminal', 'markdown', 'page'] as const) {
        const said = words(RENDERED[medium](report));
        for (const { block, mediums } of blocks.filter((one) => one.mediums.includes(medium))) {
          if (medium === 'terminal' && block.kind === 'section' && !hasText(block)) continue;
          for (const text of textsOf(block)) {
            const wanted = words(ESCAPED[medium](text));
            assert.ok(said.includes(wanted), `${medium} (${mediums.join()}) lacks: ${wanted}`);
          }
        }
      }
    });
  }

  it('leaves to files what is meant for files', () => {
    const text = RENDERED.terminal(fakeReport());
    for (const heading of ['How it was measured', 'What this cannot say', 'Files']) {
      assert.ok(!text.includes(heading), heading);
    }
  });
});

/** A terminal shows no heading above nothing. */
function hasText({ blocks }: Section): boolean {
  return blocks.some((block) => block.in === undefined && block.kind !== 'charts');
}

describe('a table of the tree', () => {
  const table: Table = {
    kind: 'table',
    caption: 'figures',
    columns: [
      { kind: 'label', title: 'forwarder' },
      { kind: 'figure', title: 'memory', in: WRITTEN },
      { kind: 'figure', title: 'speed' },
    ],
    rows: [
      { cells: [{ text: 'a' }, { text: 'n/a', note: 'no memory' }, { text: 'n/a', note: 'died' }] },
      { cells: [{ text: 'b' }, { text: '1' }, { text: 'n/a', note: 'died', brief: '-' }] },
    ],
    notes: [{ text: 'of one run', in: ['terminal'] }],
  };

  it('numbers the footnotes of the columns that are shown, one for each reason', () => {
    const page = flatTable(table, 'page');
    assert.deepEqual(
      page.rows.map(({ texts }) => texts),
      [
        ['a', 'n/a¹', 'n/a²'],
        ['b', '1', 'n/a²'],
      ],
    );
    assert.deepEqual(page.notes, ['¹ no memory', '² died']);
  });

  it('leaves out the columns, footnotes and notes of other mediums', () => {
    const terminal = flatTable(table, 'terminal');
    assert.deepEqual(
      terminal.rows.map(({ briefs }) => briefs),
      [
        ['a', 'n/a¹'],
        ['b', '-¹'],
      ],
    );
    assert.deepEqual(terminal.notes, ['¹ died', 'of one run']);
  });
});
