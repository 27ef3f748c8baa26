import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoredIncident, TrialRecord } from '../../src/data/record/record.js';
import { judgeStatements, likeTheReports } from '../../src/tasks/lab/statements.js';

const trial = (forwarder: string, incidents: number | null, more: Partial<TrialRecord> = {}) =>
  ({
    forwarder,
    outcome: incidents === null ? 'failed' : incidents > 0 ? 'corrupt' : 'intact',
    incidents,
    bytes: incidents === null ? null : 1000,
    error: incidents === null ? 'no strace' : null,
    forwarder_detail: {},
    ...more,
  }) as TrialRecord;

describe('the statements of 2008 in a kernel with the bug', () => {
  const verdict = (statement: RegExp, ...trials: TrialRecord[]) =>
    judgeStatements(trials).find((one) => statement.test(one.statement))?.verdict;

  it('are refuted or confirmed by the trial that decides', () => {
    assert.equal(verdict(/two chunks/, trial('poc-one-chunk', 9)), 'refuted');
    assert.equal(verdict(/two chunks/, trial('poc-one-chunk', 0)), 'confirmed');
    assert.equal(verdict(/MOVE/, trial('poc-without-move', 9)), 'confirmed');
    assert.equal(verdict(/MOVE/, trial('poc-without-move', 0)), 'refuted');
    assert.equal(verdict(/recv and send/, trial('copy', 1)), 'refuted');
  });

  it('are not known where the trial failed or is missing', () => {
    assert.equal(verdict(/strace/, trial('poc under strace', null)), 'not known');
    assert.equal(verdict(/strace/), 'not known');
    const [splicing, copying] = [trial('haproxy-splicing', 3), trial('haproxy-copying', 0)];
    assert.equal(verdict(/HAProxy/, splicing), 'not known');
    assert.equal(verdict(/HAProxy/, splicing, copying), 'confirmed');
  });
});

describe("an incident like the report's", () => {
  const call = (side: 'in' | 'out', offset: number, got: number) => ({
    t: 0,
    name: 'splice',
    flow: 0,
    asked: 65_536,
    got,
    offset,
    side,
  });
  const incident = (more: Partial<StoredIncident>) =>
    ({ class: 'misplaced', offset: 14_164, length: 172, ...more }) as StoredIncident;

  it('came in by a call of its own and went out with others', () => {
    const calls = [call('in', 14_164, 172), call('in', 14_336, 1460), call('out', 14_164, 1632)];
    assert.equal(likeTheReports([incident({}), incident({ calls })]), 2);
    assert.equal(likeTheReports([incident({ calls, class: 'allocator' })]), null);
    assert.equal(likeTheReports([incident({ calls: [call('in', 14_164, 172)] })]), null);
    const single = [call('in', 14_164, 172), call('out', 14_164, 172)];
    assert.equal(likeTheReports([incident({ calls: single })]), null);
  });
});
