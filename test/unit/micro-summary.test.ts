import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  crossover,
  memoryRows,
  type MicroRound,
  type PairRow,
  pairRows,
} from '../../bench/micro/summary.js';
import { matchBar, microText, sizeText } from '../../bench/micro/text.js';

const ROUNDS = 7;

/** One round's memcpy and match; the machine's speed halves in every other round. */
function memory(round: number, match: number): MicroRound[] {
  const speed = round % 2 === 0 ? 1 : 0.5;
  const common = { kind: 'memory' as const, round, place: 'L2', bytes: 2 ** 18 };
  return [
    { ...common, operation: 'match', engine: 'vaes', gb_per_second: match * speed },
    { ...common, operation: 'memcpy', engine: null, gb_per_second: 40 * speed },
  ];
}

function row(bytes: number, low: number | null, high = low): PairRow {
  const interval = low === null ? null : { low, high: high ?? low };
  const ratio = { n: ROUNDS, median: low, interval, reason: null };
  const none = { splice_ns: null, copy_ns: null };
  return { bytes, ...none, splice_gb_per_second: null, copy_gb_per_second: null, ratio };
}

describe('micro benchmark: memory', () => {
  const rounds = Array.from({ length: ROUNDS }, (_, round) => memory(round, 30)).flat();

  it('pairs with memcpy of the same round, so that drift cancels out', () => {
    const [memcpy, match] = memoryRows(rounds, ['vaes']);
    assert.equal(memcpy?.operation, 'memcpy');
    assert.equal(match?.of_memcpy.median, 0.75);
    assert.deepEqual(match.of_memcpy.interval, { low: 0.75, high: 0.75 });
  });

  it('judges the fastest engine in L2 only', () => {
    assert.deepEqual(matchBar(memoryRows(rounds, ['vaes'])), {
      engine: 'vaes',
      ratio: 0.75,
      met: true,
    });
    const slow = Array.from({ length: ROUNDS }, (_, round) => memory(round, 19.9)).flat();
    assert.equal(matchBar(memoryRows(slow, ['vaes']))?.met, false);
    assert.equal(matchBar([]), null);
  });

  it('says so when nothing was measured', () => {
    assert.match(microText([], []), /bar: .*unavailable/);
  });
});

describe('micro benchmark: pairs', () => {
  it('pairs by round and gives GB/s', () => {
    const rounds = Array.from({ length: ROUNDS }, (_, round): MicroRound[] => [
      { kind: 'pair', round, mechanism: 'splice', bytes: 4096, ns: 2000 * (round + 1) },
      { kind: 'pair', round, mechanism: 'copy', bytes: 4096, ns: 1000 * (round + 1) },
    ]).flat();
    const [only] = pairRows(rounds);
    assert.equal(only?.ratio.median, 2);
    assert.equal(only.splice_gb_per_second, 4096 / 8000);
  });

  const cases: [string, PairRow[], string][] = [
    ['nothing known', [row(64, null)], 'Too few rounds to say where the two cross.'],
    [
      'one crossing',
      [row(64, 1.2), row(256, 1.1), row(1024, 0.5)],
      'Cheaper is a recv/send pair up to 256 B, a splice pair from 1 KiB on.',
    ],
    [
      'uncertain between',
      [row(64, 1.2), row(256, 0.9, 1.1), row(1024, 0.5)],
      'Cheaper is a recv/send pair up to 64 B, a splice pair from 1 KiB on; elsewhere nothing is certain.',
    ],
    [
      'never',
      [row(64, 1.2), row(256, 1.1)],
      'Cheaper is a recv/send pair up to 256 B. They do not cross.',
    ],
    ['always', [row(64, 0.8), row(256, 0.7)], 'Cheaper is a splice pair from 64 B on.'],
    ['no difference', [row(64, 0.9, 1.1)], 'Neither pair is certainly cheaper at any size.'],
    [
      'back and forth',
      [row(64, 0.8), row(256, 1.2), row(1024, 0.5)],
      'There is no single crossing: a splice pair is cheaper at 64 B, 1 KiB, a recv/send pair at 256 B.',
    ],
    [
      'a doubtful size among the large ones',
      [row(64, 0.8), row(256, 0.9, 1.1), row(1024, 0.5)],
      'Cheaper is a splice pair at 64 B, 1 KiB; elsewhere nothing is certain.',
    ],
  ];
  for (const [name, rows, sentence] of cases) {
    it(`says where they cross: ${name}`, () => {
      assert.equal(crossover(rows, sizeText), sentence);
    });
  }
});
