/** docs/reading-results.md says what the files hold, from the code that makes them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replaceSection } from '../../bench/readme/section.js';
import { columnSections } from '../../src/data/record/columns-text.js';
import { BOTTLENECKS, INCIDENT_CLASSES, OUTCOMES } from '../../src/data/record/words.js';
import { docsPage } from '../support/docs-page.js';

const text = docsPage('reading-results.md');

describe('docs/reading-results.md', () => {
  it('has the tables of columns and metrics as the code has them (make docs)', () => {
    for (const [name, table] of columnSections()) {
      assert.equal(replaceSection(text, name, table), text, name);
    }
  });

  it('would differ if a column were missing', () => {
    const [name, table] = [...columnSections()][0] ?? assert.fail();
    const without = table.replace(/\n\| `goodput_gbps`[^\n]*/, '');
    assert.notEqual(without, table);
    assert.notEqual(replaceSection(text, name, without), text);
  });

  it('has every class of an incident in its row', () => {
    const row = text.split('\n').find((line) => line.startsWith('| `class` |')) ?? '';
    const missing = [...INCIDENT_CLASSES, 'lost'].filter((word) => !row.includes(`\`${word}\``));
    assert.deepEqual(missing, ['lost']);
  });

  it('has every outcome and every bottleneck', () => {
    for (const word of [...OUTCOMES, ...BOTTLENECKS]) assert.ok(text.includes(`\`${word}\``), word);
  });
});
