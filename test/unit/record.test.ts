/** From what was observed of a trial to its record. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointResults, EndpointSnapshot } from '../../src/data/native/native-surface.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { noConnections } from '../../src/data/integrity/connection-outcomes.js';
import { type Observation, recordOf } from '../../src/experiment/measure/record-of.js';
import type { Marks } from '../../src/experiment/measure/window.js';
import { scenarioOf } from './scenario-fixtures.js';

const placement = { source: [0], forwarder: [1], sink: [0] };

function trialOf(check: string, forwarder: string): PlannedTrial {
  const { cells, forwarders } = scenarioOf(`name: s
workload: { check: ${check} }
forwarders: [direct, splice, copy]
`);
  const trials = planBlock({ run_id: 'run', seed: '1', cells, forwarders }, 1);
  const trial = trials.find((each) => each.forwarder.label === forwarder);
  assert.ok(trial);
  return trial;
}

function marks(seconds: number, gb: number): Marks {
  const snapshot: EndpointSnapshot = {
    timeNs: seconds * 1e9,
    cpuNs: 0,
    tid: 1,
    established: 1,
    started: 1,
    ended: 0,
    failed: 0,
    lastErrno: null,
    sent: gb * 1e9,
    received: gb * 1e9,
    incidents: 0,
    firstByteNs: 0,
    lastByteNs: 0,
  };
  return {
    endpoints: [{ upstream: snapshot, downstream: snapshot }],
    forwarder: null,
    memory: null,
    host: {
      machine: 'm',
      seconds,
      cpu: { busy: 0, softirq: 0, stolen: 0, byCpu: new Map() },
      retransmits: null,
      links: null,
    },
  };
}

function observation(change: Partial<Observation> = {}): Observation {
  const results: EndpointResults = {
    connections: [],
    incidents: [],
    totals: {
      verified: 7,
      corrupted: 3,
      missing: 2,
      extra: 1,
      incidents: 2,
      byClass: { zeros: 2 },
    },
  };
  return {
    from: marks(0, 0),
    to: marks(2, 1),
    ended: false,
    receiving: ['downstream'],
    totals: [results.totals],
    judgement: { outcome: 'intact', reason: null },
    connectionOutcomes: { ...noConnections(), intact: 1 },
    series: [],
    memoryPeak: 4096,
    syscallSample: null,
    forwarderEnded: null,
    detail: {},
    version: null,
    ...change,
  };
}

function observed(
  check: string,
  forwarder: string,
  change?: Partial<Observation>,
  pauseFrames: number | string = 'no network card is involved',
  linkSpeed: number | null = null,
): TrialRecord {
  const trial = trialOf(check, forwarder);
  return recordOf({
    trial,
    started: 'then',
    placement,
    linkSpeed,
    observation: observation(change),
    pauseFrames,
  });
}

describe('recordOf', () => {
  it('keeps what the checker counted, both directions added up', () => {
    const { totals } = observation();
    const record = observed('full', 'splice', { totals: [...totals, ...totals] });
    assert.equal(record.verified_bytes, 14);
    assert.equal(record.incidents, 4);
    assert.deepEqual([record.corrupted_bytes, record.missing_bytes, record.extra_bytes], [6, 4, 2]);
    assert.deepEqual(record.incidents_by_class, { zeros: 4 });
  });

  it('has the pause frames of its cards, or why they are not known', () => {
    const counted = observed('none', 'splice', {}, 0);
    assert.deepEqual([counted.pause_frames, counted.unavailable.pause_frames], [0, undefined]);
    const unknown = observed('none', 'splice', {}, 'no network card is involved');
    assert.equal(unknown.pause_frames, null);
    assert.equal(unknown.unavailable.pause_frames, 'no network card is involved');
  });

  it('has the speed of the slowest card, or why there is none', () => {
    const known = observed('none', 'splice', {}, 0, 10e9);
    assert.deepEqual([known.link_gbps, known.unavailable.link_gbps], [10, undefined]);
    const unknown = observed('none', 'splice');
    assert.equal(unknown.link_gbps, null);
    assert.match(unknown.unavailable.link_gbps ?? '', /^no network card is involved, or none/);
  });

  it('names the link by the fullest card, or by what passed the slowest', () => {
    const cards = (bytes: number) => [
      { name: 'eth0 of sink', speed: 1e9, seconds: bytes === 0 ? 0 : 2, received: bytes, sent: 0 },
    ];
    const at = (bytes: number): Marks => {
      const made = marks(bytes === 0 ? 0 : 2, bytes === 0 ? 0 : 1);
      return { ...made, host: { ...made.host, cards: cards(bytes) } };
    };
    const full = observed('none', 'splice', { from: at(0), to: at(0.24e9) });
    assert.equal(full.bottleneck, 'link');
    assert.equal(full.bottleneck_reason, 'link: 96 % of 1Gbps used by eth0 of sink');
    assert.equal(observed('none', 'splice', { from: at(0), to: at(0.1e9) }).bottleneck, 'unknown');
    // 1 GB in 2 s.
    const slow = observed('none', 'direct', {}, 0, 4.2e9);
    assert.equal(slow.bottleneck_reason, 'link: 95 % of 4.2Gbps used');
    assert.equal(observed('none', 'direct', {}, 0, 10e9).bottleneck, 'unknown');
    const two = { from: marks(0, 0), to: marks(2, 1) };
    const [from, to] = [two.from.endpoints[0], two.to.endpoints[0]];
    // Several pairs may have several ways.
    const pairs = observed(
      'none',
      'splice',
      {
        from: { ...two.from, endpoints: [from, from] },
        to: { ...two.to, endpoints: [to, to] },
      },
      0,
      8.2e9,
    );
    assert.equal(pairs.bottleneck, 'unknown');
  });

  it('has goodput over time of all that receives, as the goodput is', () => {
    const samples = (gb: number) => [0, 0, 0, 1e9, gb * 1e9, 0, 2e9, 2 * gb * 1e9, 0];
    const both = observed('none', 'splice', {
      receiving: ['upstream', 'downstream'],
      series: [{ upstream: samples(0.25), downstream: samples(0.5) }],
    });
    assert.deepEqual(both.series, [
      { t: 1, gbps: 6 },
      { t: 2, gbps: 6 },
    ]);
  });

  it('check: none has no integrity figures, and says why', () => {
    const record = observed('none', 'splice');
    for (const column of ['verified_bytes', 'incidents', 'corrupted_bytes'] as const) {
      assert.equal(record[column], null);
      assert.match(record.unavailable[column] ?? '', /does not look at the bytes/);
    }
  });

  const OPTIONAL = ['message_bytes', 'error', 'calls', 'forwarder_version', 'payload', 'pages'];

  it('every empty column has a reason, and no column that has a figure', () => {
    for (const forwarder of ['direct', 'splice']) {
      const record = observed('full', forwarder);
      for (const [column, value] of Object.entries(record)) {
        const reason = record.unavailable[column as keyof typeof record.unavailable];
        if (value !== null) assert.equal(reason, undefined, column);
        else if (!OPTIONAL.includes(column)) {
          assert.ok(reason, column);
        }
      }
    }
    assert.equal(observed('full', 'direct').unavailable.syscalls, 'there is no forwarder');
    const sampled = observed('full', 'splice', { syscallSample: 'perf_event refused' });
    assert.equal(sampled.unavailable.syscalls, 'perf_event refused');
  });

  it('a good trial has no error, whatever became of its forwarder afterwards', () => {
    assert.equal(observed('full', 'splice', { forwarderEnded: 'ended (exit code 0)' }).error, null);
  });

  it('says that the forwarder ended by itself when something went wrong', () => {
    const judgement = { outcome: 'reset', reason: 'download: ECONNRESET' } as const;
    const record = observed('full', 'splice', { judgement, forwarderEnded: 'ended (exit code 1)' });
    assert.equal(record.error, 'download: ECONNRESET; forwarder ended (exit code 1)');
    assert.equal(observed('full', 'splice', { judgement }).error, 'download: ECONNRESET');
  });

  it('a trial that could not run: failed, no figure, the reason', () => {
    const trial = trialOf('full', 'copy');
    const record = recordOf({
      trial,
      started: 'then',
      placement,
      failure: 'no port',
    });
    assert.equal(record.outcome, 'failed');
    assert.equal(record.error, 'no port');
    assert.equal(record.goodput_gbps, null);
    assert.equal(record.unavailable.goodput_gbps, 'the trial failed');
    assert.deepEqual(record.placement, placement);
    assert.deepEqual([record.trial_id, record.block], [trial.trial_id, 1]);
  });
});
