import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { htmlReport } from '../../src/report/render/html.js';
import { fakeReport, INCIDENT_2008 } from './report-fixture.js';

const zeros = { ...INCIDENT_2008, class: 'zeros' as const };
const many = Array.from({ length: 20 }, () => ({ ...INCIDENT_2008 }));

describe('incidents in the page', () => {
  const page = htmlReport.write(fakeReport({ incidents: [...many, zeros] })) as string;

  it('are grouped, with counts', () => {
    assert.match(page, /<li>20 unknown; .*poc, 1 trial \(numbers 1, 2, 3, 4, 5, 6, …\)<\/li>/);
    assert.match(page, /<li>1 zeros; /);
  });

  it('show the first of each group however many come before it', () => {
    assert.match(page, /172 bytes \(zeros\)/);
    assert.equal(page.match(/172 bytes \(unknown\)/g)?.length, 9);
  });

  it('tell where they begin in pages and calls', () => {
    assert.match(page, /<p>It begins 1,876 bytes into a page of the stream/);
  });
});
