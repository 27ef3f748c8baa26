/** How the suite plays cases: what is refused, what is asked for again. A fake plays the trials. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NicTopology, PlannedTrial } from '../../src/data/record/plan.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { topologySchema } from '../../src/experiment/scenario/schema.js';
import { completeTopology } from '../../src/experiment/scenario/topology.js';
import { loadCases, onPorts } from '../../src/tasks/conformance/case.js';
import { contestants } from '../../src/tasks/conformance/contestants.js';
import { runSuite, type SuiteSetting } from '../../src/tasks/conformance/suite.js';

type Failures = { kind: string; text: string; times: number }[];
const late: Failures = [{ kind: 'time', text: 'client: head took 84 ms', times: 1 }];
const wrong: Failures = [{ kind: 'bytes', text: 'client: wrong bytes', times: 1 }];

const unmeasured = 'the samples of the CPU are too close together';

/** Plays `failures` in turn, the last of them for ever, and keeps what was asked of it. */
function player(...failures: (Failures | typeof unmeasured)[]) {
  const asked: PlannedTrial[] = [];
  let active = 0;
  let most = 0;
  const run = async (trial: PlannedTrial): Promise<TrialResult> => {
    most = Math.max(most, ++active);
    await new Promise(setImmediate);
    active -= 1;
    const direct = trial.forwarder.use === 'direct';
    if (!direct) asked.push(trial);
    const outcome = direct ? [] : (failures[Math.min(asked.length, failures.length) - 1] ?? []);
    const failed = typeof outcome === 'string' ? [] : outcome;
    const script = {
      ...{ conversations: 1, failed: failed.length, failures: failed, story: [] },
      ...{ idle: typeof outcome === 'string' ? outcome : null, residue: null },
    };
    const record = { forwarder_version: null, error: null, script };
    return { record: record as unknown as TrialResult['record'], incidents: [] };
  };
  return { run, asked, most: () => most };
}

async function play(names: string[], only: string[], executor: ReturnType<typeof player>) {
  return runSuite({
    cases: await loadCases(names),
    contestants: contestants(forwarderKinds, only),
    executor,
    signal: new AbortController().signal,
    thorough: false,
  });
}

const verdicts = async (...failures: Parameters<typeof player>) => {
  const executor = player(...failures);
  const { cells } = await play(['answer-in-two-writes'], ['copy'], executor);
  return [cells.find(({ forwarder }) => forwarder === 'copy')?.verdict, executor.asked.length];
};

describe('a time that was missed', () => {
  it('is asked for again, and held against whoever misses it each time', async () => {
    assert.deepEqual(await verdicts([]), ['pass', 1]);
    assert.deepEqual(await verdicts(late, []), ['pass', 2]);
    assert.deepEqual(await verdicts(late, late, late, []), ['fail', 3]);
  });

  it('as is a cost that could not be measured', async () => {
    assert.deepEqual(await verdicts(unmeasured, []), ['pass', 2]);
    assert.deepEqual(await verdicts(unmeasured), ['inconclusive', 3]);
  });

  it('wrong bytes are not asked for again', async () => {
    assert.deepEqual(await verdicts(wrong, []), ['fail', 1]);
    assert.deepEqual(await verdicts([...late, ...wrong], []), ['fail', 1]);
  });
});

describe('side by side', () => {
  it('what waits is, what the clock judges is not', async () => {
    const waiting = player([]);
    const names = ['end-without-data', 'both-ways-blocked', 'urgent-byte'];
    await play(names, ['copy', 'splice'], waiting);
    assert.ok(waiting.most() > 1);
    const timed = player([]);
    await play(['answer-in-two-writes', 'just-above-the-mss'], ['copy', 'splice'], timed);
    assert.equal(timed.most(), 1);
  });

  it('every cell is played once, in the order of cases and forwarders', async () => {
    const names = ['end-right-behind-data', 'end-without-data', 'end-right-behind-connect'];
    const { cells } = await play(names, ['copy', 'splice'], player([]));
    assert.deepEqual(
      cells.map((one) => `${one.case} ${one.forwarder}`),
      names.flatMap((name) => ['direct', 'splice', 'copy'].map((by) => `${name} ${by}`)),
    );
  });
});

describe('a slow host', () => {
  const ports = { source: 'a', forwarder: 'b', sink: 'c' };
  const topology = completeTopology(topologySchema.parse({ kind: 'nic', ports })) as NicTopology;
  const names = ['slots-not-bytes', 'end-without-data', 'both-ways-blocked', 'urgent-byte'];
  const playAlone = async (executor: ReturnType<typeof player>, more: Partial<SuiteSetting>) =>
    runSuite({
      cases: (await loadCases(names)).map((one) => onPorts(one, topology)),
      contestants: contestants(forwarderKinds, ['copy']),
      executor,
      signal: new AbortController().signal,
      thorough: false,
      ...more,
    });

  it('plays one trial at a time, a case with all forwarders after the other', async () => {
    const executor = player([]);
    const told: string[] = [];
    await playAlone(executor, {
      alone: true,
      onCell: (cell) => told.push(`${cell.case} ${cell.forwarder}`),
    });
    assert.equal(executor.most(), 1);
    assert.deepEqual(
      told,
      names.flatMap((name) => [`${name} direct`, `${name} copy`]),
    );
  });

  it('has what the clock judges last, and asks nobody again for a time that is missed without a forwarder', async () => {
    const cases = await loadCases(['answer-in-two-writes', 'end-without-data']);
    const missing = async (by: (trial: PlannedTrial) => boolean) => {
      const asked: string[] = [];
      const run = (trial: PlannedTrial): Promise<TrialResult> => {
        asked.push(`${trial.cell.key} ${trial.forwarder.use}`);
        return player(by(trial) ? late : []).run({
          ...trial,
          forwarder: { ...trial.forwarder, use: 'copy' },
        });
      };
      const { cells } = await runSuite({
        cases,
        contestants: contestants(forwarderKinds, ['copy']),
        executor: { run },
        signal: new AbortController().signal,
        thorough: false,
        alone: true,
      });
      return [
        asked,
        cells.find((one) => one.case === 'answer-in-two-writes' && one.forwarder === 'copy')
          ?.verdict,
      ];
    };
    const untimed = ['end-without-data direct', 'end-without-data copy'];
    const [direct, copy] = ['answer-in-two-writes direct', 'answer-in-two-writes copy'];
    const everybody = await missing(({ cell }) => cell.key === 'answer-in-two-writes');
    assert.deepEqual(everybody, [[...untimed, direct, copy], 'inconclusive']);
    const forwarder = await missing(
      ({ cell, forwarder: { use } }) => cell.key === 'answer-in-two-writes' && use === 'copy',
    );
    assert.deepEqual(forwarder, [[...untimed, direct, copy, copy, copy], 'fail']);
  });

  it('does not call played what the time ended before, at the end nor when it is asked half-way', async () => {
    const first = (cells: number) => Array.from({ length: cells }, () => 'pass');
    const unplayed = (cells: number) => Array.from({ length: cells }, () => 'unavailable');
    const half: string[][] = [];
    let played = 0;
    const matrix = await playAlone(player([]), {
      alone: true,
      over: () => (played < 3 ? null : 'the time was over'),
      onCell: (_, soFar) => {
        played += 1;
        half.push(soFar().cells.map(({ verdict }) => verdict));
      },
    });
    const verdicts = matrix.cells.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, [...first(3), ...unplayed(5)]);
    assert.deepEqual(matrix.cells[3]?.reasons, ['the time was over']);
    assert.deepEqual(half[0], [...first(1), ...unplayed(7)]);
  });

  it('has ports in one condition at a time', async () => {
    const executor = player([]);
    const conditions: string[] = [];
    const active: string[] = [];
    const run: typeof executor.run = async (trial) => {
      const condition = JSON.stringify(trial.cell.topology);
      conditions.push(condition);
      active.push(condition);
      const result = await executor.run(trial);
      assert.equal(new Set(active).size, 1, 'another condition while this one is played');
      active.splice(active.indexOf(condition), 1);
      return result;
    };
    await playAlone({ ...executor, run }, {});
    assert.equal(new Set(conditions).size, 2);
  });
});

describe('prefixes', () => {
  it('who can send the declared header is told to, the others do not take part', async () => {
    const cases = await loadCases(['bytes-that-the-proxy-adds-v1', 'bytes-that-the-proxy-adds-v2']);
    const taking = contestants(forwarderKinds, ['copy', 'haproxy', 'nginx']).map((one) => ({
      ...one,
      // Whether they are here is not what this asks.
      kind: { ...one.kind, unavailable: () => Promise.resolve(null) },
    }));
    const executor = player([]);
    const signal = new AbortController().signal;
    const setting = { cases, contestants: taking, executor, signal, thorough: false };
    const { cells } = await runSuite(setting);
    const asked = executor.asked.map(({ cell, forwarder }) => [
      ...[cell.key, forwarder.label],
      forwarder.options['proxy-protocol'],
    ]);
    assert.deepEqual(asked.toSorted(), [
      ['bytes-that-the-proxy-adds-v1', 'haproxy', 'v1'],
      ['bytes-that-the-proxy-adds-v1', 'nginx', 'v1'],
      ['bytes-that-the-proxy-adds-v2', 'haproxy', 'v2'],
    ]);
    const [reason] = cells.flatMap(({ forwarder, reasons }) =>
      forwarder === 'copy' ? reasons : [],
    );
    assert.equal(reason, 'it sends no PROXY header of version v1');
  });
});
