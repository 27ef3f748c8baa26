import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluateBars } from '../../bench/bars/evaluate.js';
import { affordable } from '../../bench/bars/idle.js';
import { parseIperf3, windowOf } from '../../bench/bars/iperf3.js';
import type { Bar } from '../../bench/bars/judged.js';
import type { Measurement } from '../../bench/bars/samples.js';
import { barsTable, barsText, verdictText } from '../../bench/bars/text.js';
import { blocksOf, codeBlock, replaceSection } from '../../bench/readme/section.js';
import { recorderCosts, type RecorderPair } from '../../bench/recorder/samples.js';
import { UsageError } from '../../src/base/errors/errors.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { loadScenarios } from '../../src/experiment/scenario/load.js';
import { blankRecord } from '../../src/data/record/blank-record.js';

const BLOCKS = 8;
const [SPEED, CHECKED, ACTIVE, CONNECTIONS] = await loadScenarios(
  ['bars', 'bars-checked', 'bars-active', 'bars-connections'],
  forwarderKinds,
);

/** Trials of one forwarder in every block; the machine's speed differs by block. */
function trials(
  scenario: typeof SPEED,
  label: string,
  gbps: number,
  cpu = 0.2,
  index = 0,
): TrialRecord[] {
  const cell = scenario?.cells[index];
  assert.ok(cell);
  return Array.from({ length: BLOCKS }, (_, index) => {
    const drift = 1 / (1 + (index % 3));
    const forwarder = { label, use: label, options: {} };
    const ids = { run_id: 'r', trial_id: `b${index}-${label}`, block: index + 1, position: 1 };
    return {
      ...blankRecord({ ...ids, cell, forwarder, seed: '1' }, '', {}),
      outcome: cell.workload.check === 'full' ? 'intact' : 'unchecked',
      bottleneck: 'forwarder',
      goodput_gbps: gbps * drift,
      forwarder_cpu_seconds_per_gb: cpu / drift,
    };
  });
}

function barOf(bars: readonly Bar[], id: string): Bar {
  const bar = bars.find((each) => each.id === id);
  assert.ok(bar, id);
  return bar;
}

const all = [
  ...trials(SPEED, 'direct', 40),
  ...trials(SPEED, 'iperf3 -Z', 30),
  ...trials(SPEED, 'splice', 38, 0.18),
  ...trials(SPEED, 'haproxy-splice', 34, 0.2),
  ...trials(SPEED, 'go-splice', 33, 0.3),
  ...trials(SPEED, 'copy', 19),
  ...trials(SPEED, 'copy-adaptive', 18),
  ...trials(SPEED, 'uring-copy', 20),
  ...trials(SPEED, 'haproxy-copy-256KiB', 12),
  ...trials(SPEED, 'nginx-256KiB', 14),
  ...trials(SPEED, 'socat', 16),
  ...trials(CHECKED, 'copy', 19),
  ...trials(CHECKED, 'copy-checked', 15),
  ...trials(CONNECTIONS, 'splice', 40, 0.2, 0),
  ...trials(CONNECTIONS, 'splice', 30, 0.2, 1),
  ...trials(ACTIVE, 'splice', 6),
];

describe('bars', () => {
  it('compares inside blocks, so that drift cancels out', () => {
    const bars = evaluateBars({ trials: all, measurements: [] });
    const met: [string, number][] = [
      ['direct-iperf3', 40 / 30],
      ['splice-haproxy', 38 / 34],
      ['splice-haproxy-cpu', 0.18 / 0.2],
      ['splice-best-proxy', 38 / 34],
      ['splice-best-proxy-cpu', 0.18 / 0.2],
      ['splice-direct', 38 / 40],
      ['uring-copy', 20 / 19],
      ['splice-connections', 30 / 40],
    ];
    for (const [id, value] of met) {
      const bar = barOf(bars, id);
      assert.ok(Math.abs((bar.value ?? 0) - value) < 1e-9, id);
      assert.equal(bar.verdict, 'met', id);
      assert.equal(bar.certain, true, id);
      assert.equal(bar.n, BLOCKS, id);
    }
  });

  it('takes the fastest of the copying proxies, and names the others', () => {
    const bar = barOf(evaluateBars({ trials: all, measurements: [] }), 'copy-best-proxy');
    assert.match(bar.bar, /socat/);
    assert.equal(bar.value, 19 / 16);
    assert.equal(bar.verdict, 'missed');
    assert.match(bar.note ?? '', /over nginx-256KiB and .* over haproxy-copy-256KiB/);
  });

  it('takes each program at the buffer with which it is fastest, and any program that copies', () => {
    const more = [
      ...all,
      ...trials(SPEED, 'haproxy-copy-64KiB', 17),
      ...trials(SPEED, 'some-other-proxy', 16.5),
    ];
    const bar = barOf(evaluateBars({ trials: more, measurements: [] }), 'copy-best-proxy');
    assert.match(bar.bar, /\(haproxy-copy-64KiB\)/);
    assert.equal(bar.value, 19 / 17);
    assert.match(bar.note ?? '', /^Also 1\.15 over some-other-proxy, /);
  });

  it('lets the better of our two copies stand for copying', () => {
    const better = [
      ...all.filter(({ forwarder }) => forwarder !== 'copy-adaptive'),
      ...trials(SPEED, 'copy-adaptive', 24),
    ];
    const bar = barOf(evaluateBars({ trials: better, measurements: [] }), 'copy-best-proxy');
    assert.match(bar.bar, /^copy-adaptive over the best copying proxy \(socat\)/);
    assert.equal(bar.value, 24 / 16);
  });

  it("holds splice against whichever proxy splices fastest, at that one's CPU", () => {
    const faster = [
      ...all.filter(({ forwarder }) => forwarder !== 'go-splice'),
      ...trials(SPEED, 'go-splice', 36, 0.16),
    ];
    const bars = evaluateBars({ trials: faster, measurements: [] });
    const bar = barOf(bars, 'splice-best-proxy');
    assert.match(bar.bar, /\(go-splice\)/);
    assert.equal(bar.verdict, 'missed');
    assert.match(bar.note ?? '', /1\.12 over haproxy-splice/);
    assert.equal(barOf(bars, 'splice-best-proxy-cpu').value, 0.18 / 0.16);
    assert.equal(barOf(bars, 'splice-haproxy').verdict, 'met');
  });

  it('names a rival that is not here, though others are', () => {
    const reason = 'ncat not found (apt-get install ncat)';
    const measurements: Measurement[] = [{ kind: 'missing', label: 'ncat', reason }];
    const bar = barOf(evaluateBars({ trials: all, measurements }), 'copy-best-proxy');
    assert.equal(bar.verdict, 'missed');
    assert.match(bar.note ?? '', /Without ncat: ncat not found/);
    const none = evaluateBars({ trials: [], measurements });
    assert.equal(barOf(none, 'copy-best-proxy').measured, `unavailable: ${reason}`);
  });

  it('compares many connections with few of the same block, and says what the endpoints limited', () => {
    const crowded = all.filter(
      ({ scenario, connections }) => scenario !== 'bars-connections' || connections === 10,
    );
    const drop = [...crowded, ...trials(CONNECTIONS, 'splice', 26, 0.2, 1)];
    const bar = barOf(evaluateBars({ trials: drop, measurements: [] }), 'splice-connections');
    assert.equal(bar.value, 26 / 40);
    assert.equal(bar.verdict, 'missed');
    const limited = drop.map((trial) =>
      trial.connections === 1000 ? { ...trial, bottleneck: 'sink' as const } : trial,
    );
    const bound = barOf(evaluateBars({ trials: limited, measurements: [] }), 'splice-connections');
    assert.match(bound.note ?? '', /limited splice at 1,000 connections: co-limited/);
    const only = barOf(evaluateBars({ trials: crowded, measurements: [] }), 'splice-connections');
    assert.equal(only.verdict, 'unavailable');
  });

  it('says that neither side is known where the endpoints limited both', () => {
    const limited = all.map((trial) => ({ ...trial, bottleneck: 'source' as const }));
    const bar = barOf(evaluateBars({ trials: limited, measurements: [] }), 'uring-copy');
    assert.match(bar.note ?? '', /limited uring-copy and copy: either may be faster/);
  });

  it('compares checked with unchecked of the same block', () => {
    const bar = barOf(evaluateBars({ trials: all, measurements: [] }), 'check-full');
    assert.ok(Math.abs((bar.value ?? 0) - 15 / 19) < 1e-9);
    assert.equal(bar.verdict, 'missed');
  });

  it('says which program is missing and how to get it', () => {
    const reason = 'haproxy not found (apt-get install haproxy)';
    const missing: Measurement[] = [{ kind: 'missing', label: 'haproxy-splice', reason }];
    const without = all.filter(({ forwarder }) => forwarder !== 'haproxy-splice');
    const bars = evaluateBars({ trials: without, measurements: missing });
    for (const id of ['splice-haproxy', 'splice-haproxy-cpu']) {
      const bar = barOf(bars, id);
      assert.equal(bar.verdict, 'unavailable');
      assert.equal(bar.measured, `unavailable: ${reason}`);
    }
  });

  it('is never met by what was not measured', () => {
    const bars = evaluateBars({ trials: [], measurements: [] });
    assert.deepEqual(
      bars.map(({ verdict }) => verdict),
      bars.map(() => 'unavailable'),
    );
  });

  it('calls a ratio co-limited where the endpoints limited it', () => {
    const limited = all.map((trial) =>
      trial.forwarder === 'splice' ? { ...trial, bottleneck: 'sink' as const } : trial,
    );
    const bar = barOf(evaluateBars({ trials: limited, measurements: [] }), 'splice-haproxy');
    assert.match(bar.note ?? '', /endpoints limited splice: co-limited, so CPU per GB decides/);
  });

  it('says when the interval holds the limit', () => {
    const uneven = all.map((trial) => {
      const swing = trial.block % 2 === 0 ? 1.3 : 0.8;
      const isSplice = trial.forwarder === 'splice';
      return isSplice ? { ...trial, goodput_gbps: (trial.goodput_gbps ?? 0) * swing } : trial;
    });
    const bar = barOf(evaluateBars({ trials: uneven, measurements: [] }), 'splice-haproxy');
    assert.equal(bar.certain, false);
    assert.match(verdictText(bar), /^inconclusive$/);
  });

  it('wants every active connection intact', () => {
    const failing = all.map((trial) =>
      trial.scenario === 'bars-active' && trial.block === 2
        ? { ...trial, outcome: 'reset' as const, error: 'download: 3 connections' }
        : trial,
    );
    assert.equal(barOf(evaluateBars({ trials: all, measurements: [] }), 'active').verdict, 'met');
    const bar = barOf(evaluateBars({ trials: failing, measurements: [] }), 'active');
    assert.equal(bar.verdict, 'missed');
    assert.match(bar.note ?? '', /reset, download: 3 connections/);
  });

  const idle: Measurement = {
    kind: 'idle',
    mechanism: 'splice',
    asked: 10_000,
    held: 10_000,
    failed: 0,
    resident_bytes: 4_000_000,
    slab_bytes: 80_000_000,
    pipes: 2,
    descriptors: 20_010,
    note: null,
  };
  const idleCases: [string, Partial<typeof idle>, string][] = [
    ['all held', {}, 'met'],
    ['one failed', { failed: 1 }, 'missed'],
    ['a pipe each', { pipes: 10_000 }, 'missed'],
    ['fewer asked for', { asked: 500, held: 500 }, 'unavailable'],
    ['not all came up', { held: 9999 }, 'missed'],
  ];
  for (const [name, change, verdict] of idleCases) {
    it(`judges idle connections: ${name}`, () => {
      const measurements = [{ ...idle, ...change } as Measurement];
      const bar = barOf(evaluateBars({ trials: [], measurements }), 'idle-splice');
      assert.equal(bar.verdict, verdict);
      assert.match(bar.measured, /per connection .* resident/);
    });
  }

  it('gives one ratio of match to memcpy per block', () => {
    const speeds = { memcpy: 40, fill: 30, match: 24 };
    const rounds = Array.from({ length: BLOCKS * 3 }, (_, index): Measurement => {
      const block = Math.floor(index / 3) + 1;
      return { kind: 'memory', block, engine: 'vaes', bytes: 2 ** 18, ...speeds };
    });
    const bar = barOf(evaluateBars({ trials: [], measurements: rounds }), 'match-memcpy');
    assert.equal(bar.n, BLOCKS);
    assert.equal(bar.value, 0.6);
    assert.equal(bar.verdict, 'met');
  });
});

describe('recorder cost', () => {
  const figures = { goodput_gbps: 40, forwarder_cpu_seconds_per_gb: 0.2 };
  const pair = (loss: number): RecorderPair => ({
    kind: 'recorder-pair',
    mechanism: 'splice',
    on: { ...figures, goodput_gbps: 40 * (1 - loss), recorded_calls_per_gb: 4000 },
    off: { ...figures, recorded_calls_per_gb: 4000 },
  });

  it('is the paired loss of goodput, with the share that calls explain', () => {
    const losses = [0.004, 0.005, 0.006, 0.004, 0.005, 0.006, 0.005];
    const calls = { kind: 'call-costs' as const, none: 200, counted: 202, recorded: 250 };
    const [cost] = recorderCosts([...losses.map(pair), calls]);
    assert.ok(Math.abs((cost?.goodput.median ?? 0) - 0.005) < 1e-9);
    // 4,000 calls of 50 ns in 0.2 s.
    assert.ok(Math.abs((cost?.byCalls ?? 0) - 0.001) < 1e-12);
  });

  it('has no share by calls when calls were not measured', () => {
    assert.equal(recorderCosts([pair(0)])[0]?.byCalls, null);
  });
});

describe('bars as text', () => {
  const bars = evaluateBars({ trials: all, measurements: [] });

  it('is a Markdown table of four columns', () => {
    const lines = barsTable(bars)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    assert.equal(lines.length, bars.length + 2);
    for (const line of lines) assert.equal(line.split(/(?<!\\)\|/).length, 6, line);
  });

  it('fits 80 columns of a terminal', () => {
    for (const line of barsText(bars).split('\n')) assert.ok(line.length <= 80, line);
  });
});

describe('iperf3', () => {
  const interval = (start: number, bytes: number) => ({
    sum: { start, end: start + 0.1, bytes },
  });

  it('takes the whole intervals inside the window only', () => {
    const intervals = Array.from({ length: 20 }, (_, i) => interval(i / 10, i < 3 ? 1e9 : 125e6));
    const report = { start: { version: 'iperf 3.12' }, intervals, end: {} };
    const window = windowOf(parseIperf3(JSON.stringify(report)), 0.3, 1);
    assert.equal(window.bytes, 10 * 125e6);
    assert.ok(Math.abs(window.seconds - 1) < 1e-9);
    assert.deepEqual(window.series[0], { t: 0.1, gbps: 10 });
  });

  it('repeats what iperf3 says when it fails', () => {
    const text = JSON.stringify({ start: {}, intervals: [], end: {}, error: 'unable to connect' });
    assert.throws(() => parseIperf3(text), /iperf3: unable to connect/);
  });
});

describe('sections of the README', () => {
  const text = 'a\n<!-- begin: run -->\nold\n<!-- end: run -->\nb\n';

  it('replaces what is between the marks and nothing else', () => {
    const once = replaceSection(text, 'run', 'new $& \n');
    assert.equal(once, 'a\n<!-- begin: run -->\n\nnew $&\n\n<!-- end: run -->\nb\n');
    assert.equal(replaceSection(once, 'run', 'new $&'), once);
  });

  it('refuses a file without the section, or with two', () => {
    assert.throws(() => replaceSection(text, 'bars', 'x'), UsageError);
    assert.throws(() => replaceSection(text + text, 'run', 'x'), UsageError);
  });

  it('makes a block that its own text cannot close', () => {
    assert.equal(codeBlock('\na\n\n'), '```text\na\n```');
    assert.equal(codeBlock('```\nx'), '````text\n```\nx\n````');
  });

  it('takes the blocks that are asked for, and misses none', () => {
    const text = '\nSpeed a\n1\n\nCosts\n2\n\nVerdict\n3\n';
    assert.equal(blocksOf(text, [/^Verdict/, /^Speed/]), 'Speed a\n1\n\nVerdict\n3');
    assert.throws(() => blocksOf(text, [/^Speed/, /^Integrity/]), UsageError);
  });
});

describe('idle connections that descriptors allow', () => {
  it('asks for all, with as many threads as tables of descriptors are needed', () => {
    const note = '2 threads with descriptors of their own: the limit is 20,000 open files';
    assert.deepEqual(affordable(10_000, 20_000), { asked: 10_000, threads: 2, note });
    assert.deepEqual(affordable(1000, 20_000), { asked: 1000, threads: 1, note: null });
  });

  it('needs one thread where there is no limit', () => {
    assert.deepEqual(affordable(10_000, null), { asked: 10_000, threads: 1, note: null });
  });

  it('asks for fewer, and says so, where the ends have no room', () => {
    const { asked, note } = affordable(10_000, 5000);
    assert.equal(asked, 4936);
    assert.equal(note, 'the limit of 5,000 open files allows the ends no more');
  });
});
