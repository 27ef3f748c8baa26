import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapeHtml, escapeMarkdown, inlineJson } from '../../src/base/text/escape.js';
import { broken, clipped, displayWidth, printable, wrapped } from '../../src/base/text/layout.js';
import * as quantity from '../../src/base/units/quantity.js';
import { medianSeries, resample, roundCeiling } from '../../src/report/model/series.js';

describe('numbers', () => {
  const cases: [string, string][] = [
    [quantity.figure(36.42), '36.4'],
    [quantity.figure(8.314), '8.31'],
    [quantity.figure(0.18249), '0.182'],
    [quantity.figure(30_512.4), '30,512'],
    [quantity.figure(9.996), '10.0'],
    [quantity.figure(0), '0'],
    [quantity.figure(-1.5), '-1.50'],
    [quantity.figure(73.2, 2), '73'],
    [quantity.figure(null), 'n/a'],
    [quantity.figure(NaN), 'n/a'],
    [quantity.figure(Infinity), 'n/a'],
    [quantity.count(14_164), '14,164'],
    [quantity.count(1_234_567_890), '1,234,567,890'],
    [quantity.shortCount(842), '842'],
    [quantity.shortCount(30_512), '30.5k'],
    [quantity.shortCount(999_900), '1.00M'],
    [quantity.bytes(172), '172 B'],
    [quantity.bytes(487_320), '487 kB'],
    [quantity.bytes(41.2e9), '41.2 GB'],
    [quantity.bytes(1.2e12), '1.20 TB'],
    [quantity.percent(0.1312), '13 %'],
    [quantity.percent(0.005), '0.5 %'],
    [quantity.percent(0.034), '3.4 %'],
    [quantity.percent(0.997), '100 %'],
    [quantity.percent(1), '100 %'],
    [quantity.percent(2.512), '251 %'],
    [quantity.percent(1e-9), '0.0000001 %'],
    [quantity.percent(0), '0 %'],
    [quantity.percent(null), 'n/a'],
    [quantity.ratio(2.314), '2.31x'],
    [quantity.ratio(0.0381), '0.038x'],
    [quantity.ratio(12.345), '12.3x'],
    [quantity.ratio(1280), '1,280x'],
    [quantity.ratio(0), '0.00x'],
    [quantity.ratio(null), 'n/a'],
    [quantity.offset(14_164), '14,164 (0x3754)'],
    [quantity.offset(0), '0'],
    [quantity.duration(2), '2.0 s'],
    [quantity.duration(192), '3 min 12 s'],
    [quantity.duration(179.7), '3 min 0 s'],
    [quantity.duration(null), 'n/a'],
    [quantity.plural(1, 'trial'), '1 trial'],
    [quantity.plural(2, 'stretch', 'stretches'), '2 stretches'],
    [quantity.noun(1, 'byte'), 'byte'],
    [quantity.noun(1200, 'byte'), 'bytes'],
    [quantity.listed([]), ''],
    [quantity.listed(['a']), 'a'],
    [quantity.listed(['a', 'b', 'c']), 'a, b and c'],
  ];
  for (const [actual, expected] of cases) {
    it(`read ${expected}`, () => {
      assert.equal(actual, expected);
    });
  }
});

describe('layout', () => {
  it('counts columns, not code units', () => {
    assert.equal(displayWidth('прокси'), 6);
    assert.equal(displayWidth('日本語'), 6);
    assert.equal(displayWidth('🚀'), 2);
    assert.equal(displayWidth('e\u0301'), 1);
  });

  it('takes control characters and direction marks out of labels', () => {
    assert.equal(printable('a\u001b[31mb\r\nc\u202e'), 'a [31mb c');
  });

  it('clips and breaks at grapheme boundaries', () => {
    assert.equal(clipped('日本語', 5), '日本…');
    assert.equal(clipped('short', 5), 'short');
    assert.deepEqual(broken('haproxy pipe=8 KiB', 14), ['haproxy pipe=8', 'KiB']);
    assert.deepEqual(broken('abcdefgh', 3), ['abc', 'def', 'gh']);
  });

  it('wraps at spaces and keeps long words whole', () => {
    assert.deepEqual(wrapped('a bb ccc', 4, ' '), ['a bb', ' ccc']);
    assert.deepEqual(wrapped('/a/very/long/path x', 6), ['/a/very/long/path', 'x']);
  });
});

describe('escaping', () => {
  it('leaves no HTML', () => {
    assert.equal(
      escapeHtml(`<a href="x" b='y'>&`),
      '&#60;a href=&#34;x&#34; b=&#39;y&#39;&#62;&#38;',
    );
  });

  it('leaves JSON that a script element cannot end in', () => {
    const value = { a: '</script><!--\u2028&' };
    const text = inlineJson(value);
    assert.doesNotMatch(text, /[<>&\u2028]/);
    assert.deepEqual(JSON.parse(text), value);
  });

  it('leaves no Markdown', () => {
    assert.equal(
      escapeMarkdown('a|b `c` *d* [e](f) <g>'),
      'a\\|b \\`c\\` \\*d\\* \\[e\\](f) &lt;g&gt;',
    );
  });
});

describe('series', () => {
  const line = (...gbps: number[]) =>
    gbps.map((value, index) => ({ t: (index + 1) / 10, gbps: value }));

  it('take the median over trials, point by point', () => {
    const medians = medianSeries([line(1, 10), line(2, 20), line(9, 30)]);
    assert.deepEqual(medians, [
      { t: 0.1, gbps: 2 },
      { t: 0.2, gbps: 20 },
    ]);
  });

  it('end where fewer than half of the trials go on', () => {
    assert.equal(medianSeries([line(1, 1), line(1, 1), line(1, 1, 1, 1)]).length, 2);
  });

  it('cope with none, and with trials that have no series', () => {
    assert.deepEqual(medianSeries([]), []);
    assert.deepEqual(medianSeries([[], line(5)]), [{ t: 0.1, gbps: 5 }]);
  });

  it('stretch and thin to a number of columns', () => {
    assert.deepEqual(resample(line(1, 3), 3), [1, 2, 3]);
    assert.deepEqual(resample(line(1, 9, 3), 2), [1, 3]);
    assert.deepEqual(resample(line(7), 3), [7, 7, 7]);
    assert.deepEqual(resample([], 3), []);
  });

  it('end axes at round numbers above every value', () => {
    for (const value of [0.7, 1, 5.01, 41.3, 99, 8.1]) {
      const top = roundCeiling(value);
      assert.ok(top >= value && top < value * 2, `${value} -> ${top}`);
    }
    assert.equal(roundCeiling(41.3), 48);
    assert.equal(roundCeiling(0), 1);
  });
});
