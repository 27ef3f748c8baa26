import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../src/base/errors/errors.js';
import { editDistance, nearest, suggestion } from '../../src/base/text/nearest.js';
import {
  formatBitRate,
  formatDuration,
  formatShare,
  formatSize,
  parseBitRate,
  parseCpuList,
  parseDuration,
  parseShare,
  parseSize,
} from '../../src/base/units/sizes.js';

/** Every bad value is refused with a message that quotes it. */
function refuses(parse: (value: unknown) => unknown, bad: readonly unknown[]): void {
  for (const value of bad) {
    assert.throws(() => parse(value), UsageError, `accepted ${JSON.stringify(value)}`);
  }
}

describe('bit rates', () => {
  it('are bits per second, in decimal units', () => {
    const cases: [unknown, number][] = [
      ['1Gbps', 1e9],
      ['500Mbps', 5e8],
      ['1.5kbps', 1500],
      ['10 bps', 10],
      [1000, 1000],
    ];
    for (const [text, rate] of cases) assert.equal(parseBitRate(text), rate, String(text));
    refuses(parseBitRate, ['', '1Gb', '1GBps', '-1', '1Gbit', null, true]);
  });

  it('are written as they are read', () => {
    assert.deepEqual([1e9, 5e8, 1.5e9, 999, 2e12].map(formatBitRate), [
      '1Gbps',
      '500Mbps',
      '1.5Gbps',
      '999bps',
      '2Tbps',
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), (rate) => {
        assert.equal(parseBitRate(formatBitRate(rate)), rate);
      }),
    );
  });
});

describe('sizes', () => {
  it('are bytes in binary or decimal units', () => {
    const cases: [unknown, number][] = [
      ['64KiB', 65_536],
      ['1MiB', 1_048_576],
      ['1500', 1500],
      [1500, 1500],
      ['1.5KiB', 1536],
      ['2 GiB', 2 ** 31],
      ['3kB', 3000],
      ['3MB', 3_000_000],
      ['0', 0],
      ['1e6', 1_000_000],
      ['10B', 10],
    ];
    for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, String(text));
  });

  it('are refused when they are none, or no whole number of bytes', () => {
    refuses(parseSize, [
      '',
      'KiB',
      '-1',
      -1,
      '64K',
      '64kib',
      '1.3B',
      0.5,
      '1TiB2',
      null,
      true,
      [1],
    ]);
    refuses(parseSize, ['99999999TiB', Number.NaN, Infinity, '1e400', '0x10']);
    assert.throws(() => parseSize('64K'), {
      message:
        'expected a size such as 64KiB, 1MiB or 1500 ' +
        "(units B, kB, KB, MB, GB, TB, KiB, MiB, GiB, TiB), got '64K'",
    });
  });

  it('are read back as they were written', () => {
    assert.equal(formatSize(65_536), '64KiB');
    assert.equal(formatSize(1500), '1500');
    assert.equal(formatSize(0), '0');
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), (bytes) => parseSize(formatSize(bytes)) === bytes),
    );
  });
});

describe('durations', () => {
  it('are seconds', () => {
    const cases: [unknown, number][] = [
      ['3s', 3],
      ['200ms', 0.2],
      [2, 2],
      ['2', 2],
      ['1.5 min', 90],
      ['1h', 3600],
      ['250us', 0.000_25],
      ['0s', 0],
    ];
    for (const [text, seconds] of cases) assert.equal(parseDuration(text), seconds, String(text));
    refuses(parseDuration, ['', 's', '-1s', '1m', '1 day', '1s2', null, {}, Infinity]);
  });

  it('are read back as they were written', () => {
    assert.equal(formatDuration(0.2), '200ms');
    assert.equal(formatDuration(3), '3s');
    assert.equal(formatDuration(0), '0s');
    fc.assert(
      fc.property(
        fc.nat({ max: 1e7 }),
        (ms) => parseDuration(formatDuration(ms / 1e3)) === ms / 1e3,
      ),
    );
  });
});

describe('shares', () => {
  it('are fractions', () => {
    assert.equal(parseShare('3%'), 0.03);
    assert.equal(parseShare('0.5 %'), 0.005);
    assert.equal(parseShare(0.03), 0.03);
    assert.equal(formatShare(0.03), '3%');
    refuses(parseShare, ['3 percent', '-3%', '%', null]);
  });
});

describe('CPU lists', () => {
  it('are numbers, lists and ranges', () => {
    assert.deepEqual(parseCpuList(1), [1]);
    assert.deepEqual(parseCpuList('0-2,5'), [0, 1, 2, 5]);
    assert.deepEqual(parseCpuList([3, '0-1', 3]), [0, 1, 3]);
    refuses(parseCpuList, ['', 'a', '2-1', -1, 1.5, [], [null], '0-4000000000', {}, null]);
  });
});

describe('the nearest word', () => {
  it('is the one with the fewest edits', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('splcie', 'splice'), 1);
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(nearest('forwarder', ['workload', 'forwarders', 'blocks']), 'forwarders');
    assert.equal(nearest('conn', ['kind', 'connections']), 'connections');
  });

  it('is none when nothing is near', () => {
    assert.equal(nearest('xyz', ['workload', 'forwarders']), null);
    assert.equal(nearest('a', ['b']), null);
    assert.equal(suggestion('xyz', ['copy', 'splice']), ' (one of: copy, splice)');
    assert.equal(suggestion('copu', ['copy', 'splice']), ", did you mean 'copy'?");
    assert.equal(suggestion('xyz', []), '');
  });

  it('finds every word again after one slip', () => {
    const words = ['topology', 'workload', 'forwarders', 'baseline', 'thresholds', 'description'];
    fc.assert(
      fc.property(fc.constantFrom(...words), fc.nat(), fc.nat({ max: 2 }), (word, at, kind) => {
        const index = at % word.length;
        const typo = [
          word.slice(0, index) + word.slice(index + 1),
          `${word.slice(0, index)}q${word.slice(index)}`,
          `${word.slice(0, index)}q${word.slice(index + 1)}`,
        ][kind];
        return nearest(typo ?? '', words) === word;
      }),
    );
  });
});
