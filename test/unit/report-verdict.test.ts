import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildReport } from '../../src/report/model/model.js';
import type { Outcome } from '../../src/data/record/words.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { runExitCode, verdictLines } from '../../src/experiment/verdict/verdict.js';
import type { ThresholdResult } from '../../src/experiment/verdict/thresholds.js';
import {
  BROKEN,
  COPY,
  CORRUPTING,
  DIRECT,
  fakeReport,
  fakeSource,
  type FakeRun,
  INCIDENT_2008,
  POC,
  SPLICE,
} from './report-fixture.js';

const UNMET: ThresholdResult = {
  threshold: {
    text: 'splice.ratio.goodput >= 5',
    quantity: { kind: 'ratio', forwarder: 'splice', metric: 'goodput' },
    operator: '>=',
    limit: 5,
  },
  verdict: 'not met',
  value: 2.3,
  cell: 'loopback/check=none',
  detail: '2.3 in loopback/check=none',
};

interface Case {
  name: string;
  run: Partial<FakeRun>;
  speed: RegExp;
  safety: RegExp;
  notes?: RegExp[];
}

const SAFE =
  /^Safe: every one of the [\d.]+ [GT]B that \d+ trials checked is intact \(below [\d.,]+ corrupted stretches per TB at 95 %\)\.$/;

const slow = { ...SPLICE, gbps: 8 };
const same = { ...SPLICE, gbps: COPY.gbps };
const LINKED_COPY = { ...COPY, bottleneck: 'link' } as const;

const CASES: Case[] = [
  {
    name: 'faster and safe',
    run: {},
    speed:
      /^Faster: splice forwards 2\.\d\dx \(2\.\d\d to 2\.\d\d\) as fast as copying on this host with the ends out of the way, at 0\.38x the forwarder's CPU per GB; with every byte checked, 2\.\d\dx \(2\.\d\d to 2\.\d\d\), at 0\.38x the forwarder's CPU per GB; 10 Gbps with the ends out of the way take 0\.4\d cores of the whole system instead of 0\.8\d, and 0\.21 cores of the forwarder instead of 0\.57\. The program of 2008 \(poc\): 1\.7\dx \(1\.\d\d to 1\.\d\d\)\.$/,
    safety: SAFE,
  },
  {
    name: 'slower',
    run: { forwarders: [DIRECT, slow, COPY] },
    speed: /^Slower: splice forwards 0\.50x \(0\.\d\d to 0\.\d\d\) as fast as copying/,
    safety: SAFE,
  },
  {
    name: 'no difference',
    run: { forwarders: [same, COPY] },
    speed:
      /^(Undecided|Equivalent within ±3%): splice forwards (1\.0\d|0\.9\d)x \(0\.9\d to 1\.0\d\)/,
    safety: SAFE,
  },
  {
    name: 'limited by ends on hosts of their own',
    run: { lowerBound: true, columns: { topology: 'hosts' } },
    speed:
      /^Faster: splice forwards at least 2\.\d\dx .*Source and sink, on hosts of their own, limited it, so the true ratio may be higher\..*\(poc\): at least 1\.7\dx/,
    safety: SAFE,
  },
  {
    name: 'co-limited: the cost of the whole system decides',
    run: { coLimited: true },
    speed:
      /^Faster: splice forwards 2\.\d\dx .*\. Co-limited: source and sink share the host with the forwarder, so CPU per GB decides: the whole system takes 0\.58x \(0\.58 to 0\.58\) of copying's with splice\. .*\(poc\): 1\.7\dx/,
    safety: SAFE,
  },
  {
    name: 'no difference, but limited by ends on hosts of their own',
    run: { forwarders: [same, COPY], lowerBound: true, columns: { topology: 'hosts' } },
    speed: /^(Undecided|Equivalent within ±3%): .*the forwarders themselves may well differ\.$/,
    safety: SAFE,
  },
  {
    name: 'limited by the link on either side: the cost is the comparison',
    run: { forwarders: [{ ...same, bottleneck: 'link' }, LINKED_COPY], lowerBound: true },
    speed:
      /^(Undecided|Equivalent within ±3%): splice forwards \S+ \(.*\) as fast as copying on this host.*\. The link limits both, so compare CPU per GB: splice takes 0\.38x \(0\.38 to 0\.38\) of copying's\.$/,
    safety: SAFE,
  },
  {
    name: 'a full link makes no lower bound of a difference',
    run: { forwarders: [{ ...SPLICE, bottleneck: 'link' }, LINKED_COPY], lowerBound: true },
    speed:
      /^Faster: splice forwards 2\.\d\dx .* as fast as copying on this host with .*\. The link limits both/,
    safety: SAFE,
  },
  {
    name: 'limited by the link on one side',
    run: { forwarders: [{ ...SPLICE, bottleneck: 'link' }, COPY], lowerBound: true },
    speed:
      /^Faster: splice forwards at least 2\.\d\dx .* at 0\.38x the forwarder's CPU per GB; .*\. The link limited splice, so the true ratio may be higher\.$/,
    safety: SAFE,
  },
  {
    name: 'limited by the link on the side of the baseline',
    run: { forwarders: [slow, LINKED_COPY], lowerBound: true },
    speed: /^Slower: .* The link limited copying, so the two may differ more\.$/,
    safety: SAFE,
  },
  {
    name: 'at a pace that was set',
    run: {
      forwarders: [
        { ...same, bottleneck: 'pacing' },
        { ...COPY, bottleneck: 'pacing' },
      ],
    },
    speed:
      /^(Undecided|Equivalent within ±3%): .* The pace of the data limits both, so compare CPU per GB: splice takes/,
    safety: SAFE,
  },
  {
    name: 'limited by the link in conditions of several',
    run: {
      forwarders: [{ ...same, bottleneck: 'link' }, LINKED_COPY],
      connections: [1, 8],
    },
    speed: /The link limits both sides in each of 2: compare CPU per GB there\.$/,
    safety: SAFE,
  },
  {
    name: 'over several machines, which are none',
    run: { columns: { topology: 'hosts', emulated: true } },
    speed: /as fast as copying on these hosts with the ends out of the way, at/,
    safety: SAFE,
    notes: [
      /^Emulated: parts share a machine without a network card between them, so this is no evidence for a network card\.$/,
    ],
  },
  {
    name: 'too few blocks',
    run: { blocks: 3 },
    speed:
      /^Not decided: splice forwarded 2\.\d\dx as fast as copying in 3 blocks with the ends out of the way, which are too few for an interval; .*\./,
    safety: SAFE,
  },
  {
    name: 'another baseline',
    run: { baseline: 'poc' },
    speed: /^Faster: splice forwards 1\.3\dx \(.*\) as fast as poc on this host/,
    safety: SAFE,
  },
  {
    name: 'only the program of 2008',
    run: { forwarders: [POC, COPY] },
    speed: /^Faster: poc, the program of 2008, forwards 1\.7\dx/,
    safety: SAFE,
  },
  {
    name: 'the baseline missing',
    run: { forwarders: [DIRECT, SPLICE] },
    speed: /^Not measured: the baseline copy has no trial with a figure to compare with\.$/,
    safety: SAFE,
  },
  {
    name: 'the baseline failing',
    run: { forwarders: [SPLICE, { ...COPY, noneOutcome: () => 'failed', error: 'port in use' }] },
    speed: /^Not measured: the baseline copy has no trial/,
    safety: SAFE,
    notes: [/^Of 24 trials of copy, 12 failed \(first: port in use\)\.$/],
  },
  {
    name: 'nothing but the baseline',
    run: { forwarders: [COPY] },
    speed: /^Not measured: no forwarder but the baseline copy has a figure\.$/,
    safety: SAFE,
  },
  {
    name: 'no checked trials',
    run: { checks: ['none'] },
    speed: /^Faster: splice/,
    safety: /^Not checked: no trial compared bytes, so nothing is known about the bytes\.$/,
  },
  {
    name: 'no unchecked trials',
    run: { checks: ['full'] },
    speed: /^Faster: splice .*This was measured while every byte was checked\.$/,
    safety: SAFE,
  },
  {
    name: 'no trials at all',
    run: { blocks: 0 },
    speed: /^Not measured: no trial has finished\.$/,
    safety: /^Not checked: /,
  },
  {
    name: 'corruption',
    run: { forwarders: [DIRECT, CORRUPTING, SPLICE, COPY], incidents: [INCIDENT_2008] },
    speed: /^Faster: splice/,
    safety:
      /^Not safe: poc delivered 2 corrupted stretches \(1 foreign, 1 unknown\) in 1 of 12 trials, the first at offset 14,164 \(0x3754\) of connection 0, 172 bytes, in trial b02-loopback-check-full-poc\. Intact: direct, splice and copy, \d+ GB in 36 trials\.$/,
  },
  {
    name: 'corruption beside a forwarder that stalled once: that one is not intact',
    run: {
      forwarders: [
        CORRUPTING,
        { ...SPLICE, fullOutcome: (block) => (block === 3 ? 'stalled' : 'intact') },
        COPY,
      ],
      incidents: [INCIDENT_2008],
    },
    speed: /./,
    safety: /Intact: copy, [\d.]+ GB in 12 trials\.$/,
    notes: [/^Of 24 trials of splice, 1 stalled\.$/],
  },
  {
    name: 'corruption without a forwarder',
    run: { forwarders: [{ ...DIRECT, fullOutcome: () => 'corrupt' }, SPLICE, COPY] },
    speed: /^Faster: splice/,
    safety:
      /^Not safe: direct delivered 24 corrupted .*direct has no forwarder, so the fault is not in forwarding alone\.$/,
  },
  {
    name: 'an early end, even where contents are not checked',
    run: {
      forwarders: [
        { ...SPLICE, noneOutcome: (block) => (block === 4 ? 'truncated' : 'unchecked') },
        COPY,
      ],
    },
    speed: /^Faster: splice/,
    safety: /^Not safe: splice lost the end of the stream in 1 of 24 trials\. Intact: copy, /,
  },
  {
    name: 'bytes after the end',
    run: { forwarders: [{ ...SPLICE, fullOutcome: () => 'extra' }, COPY] },
    speed: /^Faster: splice/,
    safety: /^Not safe: splice sent bytes after the end of the stream in 12 of 24 trials\./,
  },
  {
    name: 'stalled and reset trials',
    run: {
      forwarders: [
        {
          ...SPLICE,
          fullOutcome: (block) => (block < 3 ? 'stalled' : block < 4 ? 'reset' : 'intact'),
        },
        COPY,
      ],
    },
    speed: /^Faster: splice/,
    safety: SAFE,
    notes: [/^Of 24 trials of splice, 2 stalled and 1 ended in a reset connection\.$/],
  },
  {
    name: 'a forwarder that never runs',
    run: { forwarders: [SPLICE, COPY, BROKEN] },
    speed: /^Faster: splice/,
    safety: SAFE,
    notes: [
      /^Of 24 trials of haproxy, all failed \(first: haproxy exited with code 1: cannot bind socket\)\.$/,
    ],
  },
  {
    name: 'an interrupted run',
    run: { interrupted: true },
    speed: /^Faster: splice/,
    safety: SAFE,
    notes: [/^The run was interrupted: the verdict rests on 96 finished trials\.$/],
  },
  {
    name: 'several conditions',
    run: { connections: [1, 64] },
    speed:
      /^Faster: splice is faster in each of 2 conditions, from 2\.\d\dx as fast as copying \(\d+ connections?\) to 2\.\d\dx as fast as copying \(\d+ connections?\)\. With every byte checked: splice is faster in each of 2 conditions, .*\.$/,
    safety: SAFE,
  },
];

describe('the verdict', () => {
  for (const { name, run, speed, safety, notes = [] } of CASES) {
    it(`answers: ${name}`, () => {
      const { verdict } = fakeReport(run);
      assert.match(verdict.speed.sentence, speed);
      assert.match(verdict.safety.sentence, safety);
      assert.equal(verdict.notes.length, notes.length, verdict.notes.join('\n'));
      notes.forEach((note, index) => {
        assert.match(verdict.notes[index] ?? '', note);
      });
      assert.doesNotMatch(verdictLines(verdict).join('\n'), /NaN|undefined|null|Infinity/);
    });
  }

  it('treats a run without an end, such as a killed one, as interrupted', () => {
    const source = fakeSource();
    const { verdict } = buildReport({
      ...source,
      manifest: { ...source.manifest, finished: null },
    });
    assert.match(verdict.notes[0] ?? '', /^The run was interrupted/);
  });

  it('names a threshold that was not met', () => {
    const { verdict } = buildReport({ ...fakeSource(), thresholds: [UNMET] });
    assert.deepEqual(verdict.notes, [
      'Threshold not met: splice.ratio.goodput >= 5 (2.3 in loopback/check=none).',
    ]);
  });
});

describe('the exit code of a run', () => {
  const [trial] = fakeSource().trials;
  assert.ok(trial);
  const ended = (...outcomes: Outcome[]): TrialRecord[] =>
    outcomes.map((outcome) => ({ ...trial, outcome }));
  const cases: [string, TrialRecord[], ThresholdResult[], boolean, number][] = [
    ['all intact', ended('intact', 'unchecked'), [], false, 0],
    ['a trial failed', ended('intact', 'failed'), [], false, 1],
    ['a trial stalled', ended('stalled', 'intact'), [], false, 1],
    ['a trial was reset', ended('reset', 'intact'), [], false, 1],
    ['nothing ran', [], [], false, 1],
    ['corruption', ended('intact', 'corrupt'), [], false, 3],
    ['an early end', ended('truncated'), [], false, 3],
    ['bytes too many', ended('extra'), [], false, 3],
    ['corruption before failure', ended('failed', 'corrupt'), [UNMET], true, 3],
    [
      'incidents in a trial that then stalled',
      [{ ...trial, outcome: 'stalled', incidents: 1 }],
      [],
      false,
      3,
    ],
    ['interrupted', ended('intact', 'failed'), [], true, 130],
    ['interrupted before the first trial', [], [], true, 130],
    ['a threshold', ended('intact'), [UNMET], false, 4],
    ['failure before a threshold', ended('failed'), [UNMET], false, 1],
  ];
  for (const [name, trials, thresholds, interrupted, code] of cases) {
    it(`is ${code}: ${name}`, () => {
      assert.equal(runExitCode(trials, thresholds, interrupted), code);
    });
  }
});
