import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { groupIncidents } from '../../src/data/integrity/groups.js';
import { relationOf } from '../../src/data/integrity/relation.js';
import { packageRoot } from '../../src/base/process/package-root.js';
import {
  type Explained,
  explainIncident,
  explainRun,
} from '../../src/report/render/explanation.js';
import type {
  CallSide,
  Incident,
  RecordedCall,
  StoredIncident,
  TrialRecord,
} from '../../src/data/record/record.js';
import { fakeSource, SPLICE } from './report-fixture.js';

/** The 172 bytes of the 2008 report, with the calls around them. */
const CALLS: RecordedCall[] = [
  call('in', 1460, 12_704),
  call('out', 1460, 12_704),
  call('in', 172, 14_164),
  call('in', 1460, 14_336),
  call('out', 1632, 14_164),
];

function call(side: CallSide, got: number, offset: number): RecordedCall {
  return { t: offset / 1e6, name: 'splice', flow: 0, asked: 65_536, got, offset, side };
}

function incident(change: Partial<StoredIncident> = {}): StoredIncident {
  return {
    trial_id: 'b01-loopback-poc',
    forwarder: 'poc',
    connection: 0,
    direction: 'down',
    offset: 14_164,
    length: 172,
    class: 'misplaced',
    origin_offset: 145_236,
    expected_hex: '00'.repeat(32),
    received_hex: 'a5'.repeat(32),
    mss: 1460,
    calls: CALLS,
    ...change,
  };
}

const STYLE = { bytesPerRow: 8, rows: 64, mark: null } as const;

function explained(incidents: StoredIncident[]): Explained {
  const { manifest, trials } = fakeSource({ forwarders: [SPLICE], blocks: 2 });
  return { manifest, trials, incidents };
}

/** Compares with a golden file; UPDATE_GOLDEN=1 writes it, to be read before it is committed. */
function golden(name: string, text: string): void {
  const file = join(packageRoot(), 'test', 'fixtures', 'explain', name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
}

describe('relationOf', () => {
  const fits = (offset: number, length: number) => {
    const { in: taken, out: given } = relationOf(incident({ offset, length }));
    return [taken, given];
  };

  it('tells how a stretch lies to the calls that carried it', () => {
    assert.deepEqual(fits(14_164, 172), ['exactly one call', 'the start of a call']);
    assert.deepEqual(fits(14_164, 1632), ['whole calls', 'exactly one call']);
    assert.deepEqual(fits(14_336, 1460), ['exactly one call', 'the end of a call']);
    assert.deepEqual(fits(14_336, 10), ['the start of a call', 'inside one call']);
    assert.deepEqual(fits(14_000, 300), ['across calls', 'across calls']);
    assert.deepEqual(fits(1, 10), ['unknown', 'unknown']);
  });

  it('says so when nothing carried it that is known', () => {
    const { sentences } = relationOf(incident({ calls: [] }));
    assert.match(sentences.join(' '), /calls that carried it are not known/);
  });

  it('says of a part of the calls that it is a part, and lets it decide nothing', () => {
    const calls = Array.from({ length: 20 }, (_, i) => call('in', 1000, 80_000 + i * 1000));
    const told = relationOf(incident({ offset: 0, length: 100_000, calls }));
    assert.equal(told.in, 'unknown');
    assert.match(
      told.sentences.join(' '),
      /Of it, 20,000 of its 100,000 bytes came in by 20 calls .*rest are not recorded/,
    );
    assert.doesNotMatch(told.sentences.join(' '), /exactly these/);
  });

  it('missing bytes did not go out, and bytes too many did not come in', () => {
    const missing = relationOf(incident({ class: 'missing' }));
    assert.deepEqual([missing.in, missing.out], ['exactly one call', 'unknown']);
    assert.match(missing.sentences.join(' '), /did not go out/);
    const inserted = relationOf(incident({ class: 'inserted' }));
    assert.deepEqual([inserted.in, inserted.out], ['unknown', 'the start of a call']);
    assert.match(inserted.sentences.join(' '), /did not come in/);
  });

  it('takes what a forwarder moved between its sides for neither', () => {
    const calls = [call('in', 1632, 14_164), call('within', 172, 14_164), call('out', 172, 14_164)];
    const told = relationOf(incident({ calls }));
    assert.deepEqual([told.in, told.out], ['the start of a call', 'exactly one call']);
  });

  it('looks for calls of the input where the bytes lay in what was sent', () => {
    const shifted = relationOf(incident({ offset: 12_704, source_offset: 14_164, length: 172 }));
    assert.deepEqual([shifted.in, shifted.out], ['exactly one call', 'the start of a call']);
  });

  it('knows the side by the name of a call where the record does not say it', () => {
    const calls = CALLS.map(({ side, ...rest }): RecordedCall => ({
      ...rest,
      name: side === 'in' ? 'recvfrom' : 'sendto',
    }));
    assert.equal(relationOf(incident({ calls })).in, 'exactly one call');
  });

  it('says where it begins in pages and segments', () => {
    const [sentence] = relationOf(incident({ offset: 8192, length: 4096, mss: 4096 })).sentences;
    assert.equal(
      sentence,
      'It begins at the start of a page of the stream and is 1 time its size, and at the start of a ' +
        'segment of 4,096 bytes, were all that large and is 1 time its size.',
    );
  });
});

describe('slots of a pipe', () => {
  const told = (offset: number, name = 'splice', got = 16_384) => {
    const calls = [{ ...call('in', got, 0), name }];
    return relationOf(incident({ offset, length: 10, calls })).sentences.join(' ');
  };

  it('are told by pages and by segments, of what came in by splice', () => {
    assert.match(told(0), /begins with the first slot that this splice filled in the pipe/);
    assert.match(
      told(8192),
      /In the pipe it begins at the start of slot 3 of this splice, if each held a page, and 892 bytes into slot 6 of this splice, if each held a segment of 1,460 bytes\./,
    );
    assert.match(
      told(2920, 'io_uring:splice'),
      /2,920 bytes into slot 1 .* at the start of slot 3 /,
    );
  });

  it('are not told of what came in by copying, or whose first bytes are not recorded', () => {
    assert.doesNotMatch(told(8192, 'recvfrom'), /slot/);
    const calls = [call('in', 1000, 500)];
    const partly = relationOf(incident({ offset: 0, length: 1000, calls })).sentences.join(' ');
    assert.doesNotMatch(partly, /slot/);
  });
});

describe('groupIncidents', () => {
  it('puts together what lies alike, the largest group first', () => {
    const list = [
      incident({ class: 'zeros' }),
      incident(),
      incident({ trial_id: 'b02-loopback-poc' }),
      incident({ origin_offset: 3 }),
      incident({ length: 17 }),
    ];
    const groups = groupIncidents(list);
    assert.deepEqual(
      groups.map(({ class: kind, origin, numbers, trials }) => [
        kind,
        origin,
        numbers,
        trials.length,
      ]),
      [
        ['misplaced', 'later in its stream', [2, 3], 2],
        ['zeros', null, [1], 1],
        ['misplaced', 'earlier in its stream', [4], 1],
        ['misplaced', 'later in its stream', [5], 1],
      ],
    );
  });

  it('tells another connection from another direction and another run', () => {
    const foreign = (change: Partial<Incident>) =>
      groupIncidents([incident({ class: 'foreign', ...change })])[0]?.origin;
    assert.equal(foreign({ origin_connection: 3 }), 'another connection');
    assert.equal(foreign({ origin_connection: 0, origin_direction: 'up' }), 'the other direction');
    assert.equal(foreign({}), 'another run or trial');
    const [shifted] = groupIncidents([
      incident({ offset: 100, source_offset: 300, origin_offset: 200 }),
    ]);
    assert.equal(shifted?.origin, 'earlier in its stream');
  });
});

describe('explanations', () => {
  const list = [
    ...Array.from({ length: 8 }, (_, index) =>
      incident({ offset: 14_164, trial_id: `b0${index}` }),
    ),
    incident({ class: 'zeros', calls: [] }),
  ];

  it('of a run: groups with counts, and the first of each in full', () => {
    golden('run.txt', explainRun(explained(list), STYLE, 80));
  });

  it('of one incident', () => {
    golden('incident.txt', explainIncident(explained(list), 9, STYLE, 80));
  });

  it('of a run: names the trials beside the incidents that went wrong too', () => {
    const run = explained([incident()]);
    const [hit] = run.trials.filter(({ check }) => check === 'full');
    assert.ok(hit);
    const told = (others: TrialRecord[]) =>
      explainRun(
        {
          ...run,
          trials: [{ ...hit, trial_id: 'b01-loopback-poc', outcome: 'corrupt' }, ...others],
        },
        STYLE,
        400,
      );
    const other = { ...hit, trial_id: 'b02-other' };
    const truncated = told([{ ...other, outcome: 'truncated', missing_bytes: 4321 }]);
    assert.match(truncated, /Besides: 1 trial of splice was truncated.* last 4,321 bytes/);
    assert.match(
      told([{ ...other, outcome: 'stalled' }]),
      /Besides: 1 trial of splice was stalled/,
    );
    assert.doesNotMatch(told([{ ...other, outcome: 'intact' }]), /Besides/);
    assert.doesNotMatch(told([]), /Besides/);
  });

  it('of nothing: says what the trials came to, and clears only intact ones', () => {
    const run = explained([]);
    const [base] = run.trials.filter(({ check }) => check === 'full');
    assert.ok(base);
    const told = (change: Partial<TrialRecord>) =>
      explainRun({ ...run, trials: [{ ...base, ...change }] }, STYLE, 400);
    const cases: [Partial<TrialRecord>, RegExp][] = [
      [
        { outcome: 'truncated', missing_bytes: 4321 },
        /1 trial of splice was truncated.* last 4,321 bytes/,
      ],
      [{ outcome: 'extra', extra_bytes: 7 }, /ended with 7 bytes that were never sent/],
      [{ outcome: 'corrupt', corrupted_bytes: 9 }, /was corrupt \(9 bytes wrong\)/],
      [
        { outcome: 'truncated', incidents: 2 },
        /2 incidents of them were counted, but none is stored/,
      ],
      [{ outcome: 'truncated', missing_bytes: null }, /last bytes \(their number is unknown\)/],
      [{ outcome: 'failed' }, /was failed, which says nothing of the bytes/],
      [{ outcome: 'stalled' }, /was stalled after comparing/],
      [{ outcome: 'reset' }, /was reset after comparing/],
    ];
    for (const [change, expected] of cases) {
      const text = told(change);
      assert.match(text, expected);
      assert.doesNotMatch(text, /found nothing/);
    }
    assert.match(
      told({ outcome: 'intact', verified_bytes: 1000 }),
      /1 trial compared every byte \(1,000 bytes\) and found nothing/,
    );
    assert.match(told({ check: 'none' }), /no trial .* compared a byte/);
  });
});
