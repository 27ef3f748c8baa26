import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { poissonBounds, ratePerTb } from '../../src/data/integrity/bounds.js';
import {
  countConnections,
  outcomesOfChurn,
  outcomesOfStreams,
  noConnections,
} from '../../src/data/integrity/connection-outcomes.js';
import {
  conditionRows,
  type IntegrityInput,
  runRows,
} from '../../src/data/integrity/integrity-rows.js';
import { integrityLine } from '../../src/data/integrity/tally-text.js';
import type { ChurnResults, ConnectionResult } from '../../src/data/native/native-surface.js';
import { flatTable } from '../../src/report/model/flat-table.js';
import { integrityTable } from '../../src/report/model/integrity-table.js';
import { integrityCsv } from '../../src/report/render/integrity-csv.js';
import type { ConnectionOutcomes, Outcome } from '../../src/data/record/words.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { buildReport } from '../../src/report/model/model.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import { fakeReport, fakeSource } from './report-fixture.js';
import { scenario } from './schedule-fixtures.js';

const plan = { run_id: 'r', seed: '1', cells: scenario.cells, forwarders: scenario.forwarders };
const trials = planBlock(plan, 1);

function record(forwarder: string, change: Partial<TrialRecord> = {}): TrialRecord {
  const trial = trials.find(
    (one) => one.forwarder.label === forwarder && one.cell.workload.check === 'full',
  );
  assert.ok(trial);
  return { ...fakeRecord(trial, 8), verified_bytes: 1e9, ...change };
}

function outcomes(change: Partial<ConnectionOutcomes>): ConnectionOutcomes {
  return { ...noConnections(), ...change };
}

function input(change: Partial<IntegrityInput> = {}): IntegrityInput {
  return { trials: [], forwarders: ['splice'], unavailable: [], ...change };
}

function connection(number: number, change: Partial<ConnectionResult> = {}): ConnectionResult {
  const base = { connection: number, sent: 0, received: 9, orderly: true, error: null };
  return { ...base, port: 0, mss: 0, ...change };
}

/** The row of splice as the terminal shows it. */
function narrowRow(own: readonly TrialRecord[]): string[] {
  return flatTable(integrityTable(input({ trials: own })), 'terminal').rows[0]?.briefs ?? [];
}

const NOTHING = { verified: 0, corrupted: 0, missing: 0, extra: 0, incidents: 0, byClass: {} };

describe('the integrity table', () => {
  it('bounds both rates by what was verified when nothing was found', () => {
    const [row] = runRows(
      input({
        trials: [
          record('splice', { connections: 4, transfer_fates: outcomes({ intact: 4 }) }),
          record('splice', { connections: 4, transfer_fates: outcomes({ intact: 4 }) }),
        ],
      }),
    );
    assert.equal(row?.unavailable, null);
    assert.equal(row.sum.verifiedBytes, 2e9);
    assert.equal(row.sum.checkedConnections, 8);
    const { high } = poissonBounds(0);
    assert.deepEqual(row.sum.perTb, { low: 0, high: high / 2e-3 });
    assert.deepEqual(row.sum.perConnection, { low: 0, high: high / 8 });
  });

  it('counts a stream of which every byte is wrong, and one of which nothing came', () => {
    const wrong = record('splice', {
      ...{ outcome: 'corrupt', verified_bytes: 0, corrupted_bytes: 1e9, incidents: 4 },
      ...{
        connections: 2,
        transfer_fates: outcomes({ corrupt: 2 }),
        incidents_by_class: { zeros: 4 },
      },
    });
    const cut = record('copy', {
      ...{ outcome: 'truncated', verified_bytes: 0, missing_bytes: 1e9 },
      ...{ connections: 20, transfer_fates: outcomes({ truncated: 20 }) },
    });
    const [all, none] = runRows(input({ forwarders: ['splice', 'copy'], trials: [wrong, cut] }));
    assert.equal(all?.unavailable, null);
    assert.equal(all.sum.verifiedBytes, 0);
    assert.deepEqual(all.sum.perTb, ratePerTb(4, 1e9));
    assert.equal(all.sum.connectionOutcomes.corrupt, 2);
    assert.match(integrityLine(all.sum), /^4 in 1 GB, 1 trial: .*; 4 zeros/);
    assert.equal(none?.unavailable, null);
    assert.equal(none.sum.connectionOutcomes.truncated, 20);
    assert.match(integrityLine(none.sum), /^no byte was compared; 1 trial truncated$/);
  });

  it('does not let wrong bytes raise the rate by leaving them out of what was compared', () => {
    const half = record('splice', {
      ...{ outcome: 'corrupt', verified_bytes: 5e8, corrupted_bytes: 5e8, incidents: 4 },
    });
    const [row] = runRows(input({ trials: [half] }));
    assert.deepEqual(row?.sum.perTb, ratePerTb(4, 1e9));
  });

  it('is not impressed by bytes that were sent and not verified', () => {
    const [row] = runRows(input({ trials: [record('splice', { bytes: 9e12 })] }));
    assert.equal(row?.sum.perTb?.high, poissonBounds(0).high / 1e-3);
  });

  it('counts incidents per byte and wrong connections per connection', () => {
    const broken = outcomes({ corrupt: 2, truncated: 1, intact: 6, stalled: 1 });
    const own = [record('splice', { incidents: 1_000_000, transfer_fates: broken })];
    const [row] = runRows(input({ trials: own }));
    const many = poissonBounds(1_000_000);
    assert.deepEqual(row?.sum.perTb, { low: many.low / 1e-3, high: many.high / 1e-3 });
    const three = poissonBounds(3);
    assert.deepEqual(row.sum.perConnection, { low: three.low / 10, high: three.high / 10 });
    assert.deepEqual(narrowRow(own).slice(2, 7), ['10', '1.00M', '1', '1', '0']);
  });

  it('says why where nothing was verified, and shows no zero', () => {
    const cases: [TrialRecord[], RegExp][] = [
      [[], /^no trial ran$/],
      [[record('splice', { check: 'none', outcome: 'unchecked' })], /check: none/],
      [[record('splice', { outcome: 'failed', verified_bytes: null, error: 'died' })], /^died$/],
      [[record('splice', { outcome: 'stalled', verified_bytes: 0, error: null })], /\(stalled\)/],
    ];
    for (const [own, reason] of cases) {
      const [row] = runRows(input({ trials: own }));
      assert.ok(row);
      assert.match(row.unavailable ?? '', reason);
      assert.equal(row.sum.perTb, null);
      assert.equal(row.sum.perConnection, null);
      assert.deepEqual(new Set(narrowRow(own).slice(2)), new Set(['n/a']));
      assert.equal(narrowRow(own)[1], 'none¹');
    }
  });

  it('names a forwarder that was left out, with the reason', () => {
    const source = fakeSource();
    const left = { scenario: 'loopback', forwarder: 'socat', cell: null, reason: 'not installed' };
    source.manifest.unavailable = [left];
    const report = buildReport(source);
    const text = terminalReport(report, { columns: 80, color: false });
    assert.match(text, /^socat +none¹ +n\/a/m);
    assert.match(text, /^¹ not checked: not installed$/m);
    assert.match(integrityCsv.write(report) as string, /^run,,,socat,0,0,,,.*,not installed$/m);
  });

  it('tells conditions apart where there are several, each with its own exposure', () => {
    const one = record('splice', { cell: 'a' });
    const two = record('splice', { cell: 'b', incidents: 1, outcome: 'corrupt' });
    assert.deepEqual(conditionRows(input({ trials: [one] })), []);
    const rows = conditionRows(
      input({
        trials: [one, two],
        unavailable: [{ scenario: 's', forwarder: 'copy', cell: 'b', reason: 'no' }],
      }),
    );
    assert.deepEqual(
      rows.map((row) => [row.cell?.key, row.forwarder, row.sum.incidents, row.unavailable]),
      [
        ['a', 'splice', 0, null],
        ['b', 'splice', 1, null],
        ['b', 'copy', 0, 'no'],
      ],
    );
  });

  it('does not guess what became of the connections of an earlier version', () => {
    const old = record('splice', { outcome: 'truncated', connections: 64 });
    const [row] = runRows(input({ trials: [old] }));
    assert.equal(row?.sum.perConnection, null);
    assert.equal(row.sum.checkedConnections, 64);
    assert.equal(narrowRow([old])[4], 'n/a');
    const [single] = runRows(input({ trials: [{ ...old, connections: 1 }] }));
    assert.equal(single?.sum.connectionOutcomes.truncated, 1);
  });

  it('is in every report of a run', () => {
    const lines = (integrityCsv.write(fakeReport()) as string).trim().split('\n');
    assert.equal(lines.length, 1 + 4 + 1);
    const cells = fakeReport({ connections: [1, 64] });
    assert.equal((integrityCsv.write(cells) as string).match(/^condition,/gm)?.length, 8);
  });
});

describe('what became of each connection', () => {
  const stream = (receiver: ConnectionResult[], corrupt: number[] = [], stalled = false) => ({
    direction: 'download' as const,
    sent: receiver.map(({ connection: number }): [number, number] => [number, 9]),
    sender: { connections: [] as ConnectionResult[], incidents: [], totals: NOTHING },
    receiver: {
      connections: receiver,
      incidents: corrupt.map((number) => ({
        connection: number,
        direction: 'down' as const,
        offset: 0,
        length: 1,
        class: 'zeros' as const,
        expected_hex: '',
        received_hex: '',
      })),
      totals: NOTHING,
    },
    stalled,
  });
  const of = (streams: ReturnType<typeof stream>[], connections: number, outcome: Outcome) =>
    outcomesOfStreams({ check: 'full', connections, streams }, outcome);

  it('is the worst of both directions, each connection once', () => {
    const down = stream(
      [connection(0), connection(1, { cut: 4 }), connection(2, { beyondEnd: 1 })],
      [0, 0],
    );
    const up = stream([
      connection(0, { cut: 9 }),
      connection(1),
      connection(3, { orderly: false }),
    ]);
    assert.deepEqual(
      of([down, up], 5, 'corrupt'),
      outcomes({ corrupt: 1, truncated: 1, extra: 1, failed: 2 }),
    );
  });

  it('knows stalls and resets', () => {
    const ended = [
      connection(0, { orderly: false }),
      connection(1, { orderly: false, error: 'ECONNRESET' }),
    ];
    assert.deepEqual(
      of([stream(ended, [], true)], 2, 'stalled'),
      outcomes({ stalled: 1, reset: 1 }),
    );
  });

  it('puts an early end in good order above a reset, and what we ended ourselves below both', () => {
    const early = connection(0, { cut: 4 });
    const sender = [connection(0, { orderly: false, error: 'ECONNRESET' })];
    const cut = {
      ...stream([early]),
      sender: { connections: sender, incidents: [], totals: NOTHING },
    };
    assert.deepEqual(of([cut], 1, 'truncated'), outcomes({ truncated: 1 }));
    const told = connection(0, { cut: 4, orderly: false, error: 'ECONNRESET' });
    assert.deepEqual(of([stream([told])], 1, 'reset'), outcomes({ reset: 1 }));
    const ours = connection(0, { cut: 4, orderly: false, error: 'ECANCELED' });
    assert.deepEqual(of([stream([ours], [], true)], 1, 'stalled'), outcomes({ stalled: 1 }));
    assert.deepEqual(of([stream([early], [], true)], 1, 'stalled'), outcomes({ stalled: 1 }));
  });

  it('counts at least one connection with what only the whole trial shows', () => {
    const swapped = stream([connection(0), connection(1)]);
    assert.deepEqual(of([swapped], 2, 'corrupt'), outcomes({ corrupt: 1, intact: 1 }));
  });

  it('counts connections of churn once, though both ends saw them fail', () => {
    const side = (change: Partial<ChurnResults>): ChurnResults => ({
      begun: 100,
      whole: 100,
      broken: 0,
      truncated: 0,
      cutBytes: 0,
      beyond: 0,
      beyondBytes: 0,
      corrupt: 0,
      starved: 0,
      gaveUp: false,
      totals: NOTHING,
      incidents: [],
      failures: [],
      sentNumbers: '0',
      receivedNumbers: '0',
      ...change,
    });
    const results = {
      downstream: side({ whole: 97, truncated: 3 }),
      upstream: side({ whole: 97, broken: 3 }),
    };
    const end = { direction: 'download' as const, check: 'full' as const, results, stalled: false };
    assert.deepEqual(outcomesOfChurn(end, 'truncated'), outcomes({ intact: 97, truncated: 3 }));
    assert.equal(countConnections(outcomesOfChurn(end, 'truncated')), 100);
  });
});
