import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { displayWidth } from '../../src/base/text/layout.js';
import { terminalReport, terminalStyle } from '../../src/report/render/terminal.js';
import { COPY, crowdedReport, fakeReport, hardReport, SPLICE } from './report-fixture.js';

const PLAIN = { columns: 80, color: false };
const ESCAPE = '\u001b';

function withoutColor(text: string): string {
  return text.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '');
}

const REPORTS = { plain: fakeReport(), hard: hardReport(), crowded: crowdedReport() };

describe('the report on a terminal', () => {
  for (const [name, report] of Object.entries(REPORTS)) {
    for (const columns of [80, 100, 120]) {
      for (const color of [false, true]) {
        it(`fits ${columns} columns (${name}${color ? ', in colour' : ''})`, () => {
          const text = withoutColor(terminalReport(report, { columns, color }));
          for (const line of text.split('\n')) {
            assert.ok(displayWidth(line) <= columns, `${displayWidth(line)} columns: ${line}`);
          }
        });
      }
    }

    it(`never shows a value that is none (${name})`, () => {
      assert.doesNotMatch(terminalReport(report, PLAIN), /NaN|undefined|null|Infinity/);
    });
  }

  it('has no escape codes without colour, not even from labels', () => {
    assert.ok(!terminalReport(REPORTS.hard, PLAIN).includes(ESCAPE));
  });

  it('shows every forwarder with its figures and the ratio with its interval', () => {
    const text = terminalReport(REPORTS.plain, PLAIN);
    assert.match(
      text,
      /^splice +36\.\d +2\.\d\dx \d\.\d\d–\d\.\d\d +0\.171 +0\.381 +2\.05k +487 kB +forwarder$/m,
    );
    assert.match(text, /^copy +1\d\.\d +1 +0\.452/m);
  });

  it('keeps the two checks in separate tables', () => {
    const text = terminalReport(REPORTS.plain, PLAIN);
    const unchecked = text.indexOf('Speed (check: none, payload: prepared)');
    const checked = text.indexOf('Speed (check: full)');
    assert.ok(unchecked >= 0 && checked > unchecked);
    assert.equal(text.split('Speed (').length, 3);
  });

  it('gives the reason for a figure that is unavailable', () => {
    const text = terminalReport(REPORTS.hard, PLAIN);
    assert.match(text, /^direct .*n\/a¹/m);
    assert.match(text, /^¹ no forwarder in between$/m);
    assert.match(text, /^² haproxy exited with code 1: cannot bind socket$/m);
  });

  it('marks what is not significant and what is a lower bound or co-limited', () => {
    const { hard } = REPORTS;
    assert.match(terminalReport(hard, PLAIN), /=1\.0\dx 0\.9\d–1\.0\d[^]*= equivalent: the whole/);
    const undecided = hard.cells.map((cell) => ({
      ...cell,
      rows: cell.rows.map((row) => {
        const goodput = { ...row.figures.goodput, equivalent: false };
        return { ...row, figures: { ...row.figures, goodput } };
      }),
    }));
    const text = terminalReport({ ...hard, cells: undecided }, PLAIN);
    assert.match(text, /~1\.0\dx 0\.9\d–1\.0\d/);
    const limited = terminalReport(fakeReport({ lowerBound: true }), PLAIN);
    assert.match(limited, /≥2\.\d\dx/);
    assert.match(limited, /^≥ lower bound/m);
    const shared = terminalReport(fakeReport({ coLimited: true }), PLAIN);
    assert.match(shared, /†2\.\d\dx/);
    assert.match(shared, /^† co-limited/m);
    assert.doesNotMatch(shared, /≥|lower bound/);
  });

  it('names a baseline that is too long for its column below the table', () => {
    const long = { ...COPY, label: 'copy with 64 KiB\u001b[31m' };
    const text = terminalReport(
      fakeReport({ forwarders: [SPLICE, long], baseline: long.label }),
      PLAIN,
    );
    assert.match(text, /to baseline/);
    assert.match(text, /^baseline: copy with 64 KiB \[31m$/m);
    assert.ok(!text.includes(ESCAPE));
  });

  it('draws goodput over time for each forwarder, with a legend in colour', () => {
    const plain = terminalReport(REPORTS.plain, PLAIN);
    assert.match(plain, /Goodput over time/);
    assert.match(plain, /┼─/);
    const colored = terminalReport(REPORTS.plain, { columns: 80, color: true });
    assert.match(withoutColor(colored), /^── direct {3}── poc {3}── splice {3}── copy$/m);
  });

  it('states the integrity with its bound per forwarder and in all', () => {
    const text = terminalReport(REPORTS.plain, PLAIN);
    assert.match(text, /^splice +\d+ GB +12 +0 +0 +0 +0 +[\d.]+ +[\d.]+$/m);
    assert.match(
      text.replaceAll(/\s+/g, ' '),
      /in the bytes compared: none in \d+ GB, 48 trials: below [\d.]+ per TB\./,
    );
  });

  it('shows the first incident with the bytes and the calls', () => {
    const text = terminalReport(REPORTS.hard, PLAIN);
    assert.match(text, /^003760 {2}7d\*be\*de\*/m);
    assert.match(text, /= 172 .*<== exactly these bytes$/m);
    assert.match(text, /^It begins 1,876 bytes into a page of the stream/m);
  });

  it('lists the groups of incidents with their counts', () => {
    const text = terminalReport(REPORTS.hard, PLAIN);
    assert.match(text, /^1\. 1 unknown; the calls are not known: poc, 1 trial \(number 1\)$/m);
    assert.match(text, /^2\. 1 foreign, from another connection/m);
  });

  it('ends with the verdict', () => {
    const last = terminalReport(REPORTS.plain, PLAIN).split('\n\n').at(-1) ?? '';
    assert.match(last, /^Verdict\nFaster: splice forwards 2\.\d\dx/);
    assert.match(
      last.replaceAll('\n', ' '),
      /Safe: every one of the \d+ GB that 48 trials checked is intact/,
    );
  });
});

describe('the terminal', () => {
  const cases: [string, Parameters<typeof terminalStyle>, ReturnType<typeof terminalStyle>][] = [
    ['a TTY has colour', [{ isTTY: true, columns: 100 }, {}], { columns: 100, color: true }],
    [
      'NO_COLOR takes it away',
      [{ isTTY: true, columns: 100 }, { NO_COLOR: '1' }],
      { columns: 100, color: false },
    ],
    [
      'an empty NO_COLOR does not',
      [{ isTTY: true, columns: 90 }, { NO_COLOR: '' }],
      { columns: 90, color: true },
    ],
    [
      'a dumb one has none',
      [{ isTTY: true, columns: 90 }, { TERM: 'dumb' }],
      { columns: 90, color: false },
    ],
    ['a pipe is plain and 80 wide', [{}, {}], { columns: 80, color: false }],
    ['a pipe follows COLUMNS', [{}, { COLUMNS: '110' }], { columns: 110, color: false }],
    [
      'wide ones are used to 120',
      [{ isTTY: true, columns: 300 }, {}],
      { columns: 120, color: true },
    ],
    ['narrow ones get 80', [{ isTTY: true, columns: 20 }, {}], { columns: 80, color: true }],
  ];
  for (const [name, parameters, expected] of cases) {
    it(name, () => {
      assert.deepEqual(terminalStyle(...parameters), expected);
    });
  }
});
