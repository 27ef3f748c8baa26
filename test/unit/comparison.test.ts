import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { comparisonText } from '../../src/report/render/comparison-text.js';
import type { RunManifest, TrialRecord } from '../../src/data/record/record.js';
import { type ComparedSide, compareSides } from '../../src/experiment/verdict/comparison.js';
import { COPY, SPLICE, fakeSource } from './report-fixture.js';

function side(name: string, change: Partial<ComparedSide> = {}): ComparedSide {
  const { manifest, trials } = fakeSource({
    forwarders: [SPLICE, COPY],
    checks: ['none'],
    blocks: 8,
  });
  return { name, manifest: { ...manifest, run_id: name }, trials, forwarder: null, ...change };
}

function faster(trials: readonly TrialRecord[], factor: number): TrialRecord[] {
  return trials.map((trial) => ({
    ...trial,
    goodput_gbps: trial.goodput_gbps === null ? null : trial.goodput_gbps * factor,
  }));
}

describe('compareSides', () => {
  it('finds no difference between a run and its like', () => {
    const { figures, notes } = compareSides(side('a'), side('b'));
    assert.ok(figures.length > 4);
    for (const { significant, method, ratio } of figures) {
      assert.equal(method, 'independent');
      assert.notEqual(significant, true);
      if (ratio !== null) assert.ok(Math.abs(ratio - 1) < 1e-9);
    }
    assert.deepEqual(notes, []);
  });

  it('finds a run that is twice as fast, and says which way is better', () => {
    const a = side('a');
    const b = side('b', { trials: faster(a.trials, 2) });
    const { figures } = compareSides(a, b, ['goodput']);
    assert.deepEqual(
      figures.map(({ forwarder, significant }) => [forwarder, significant]),
      [
        ['copy', true],
        ['splice', true],
      ],
    );
    const text = comparisonText(compareSides(a, b, ['goodput']));
    assert.match(text, /2 figures of 2 differ: b is better in 2 and worse in 0/);
    assert.match(comparisonText(compareSides(b, a, ['goodput'])), /better in 0 and worse in 2/);
  });

  it('pairs two forwarders of one run by block', () => {
    const run = side('a');
    const { figures } = compareSides(
      { ...run, name: 'a:copy', forwarder: 'copy' },
      { ...run, name: 'a:splice', forwarder: 'splice' },
      ['goodput'],
    );
    assert.equal(figures.length, 1);
    const [only] = figures;
    assert.ok(only !== undefined);
    assert.equal(only.method, 'paired');
    assert.equal(only.forwarder, 'splice over copy');
    assert.equal(only.significant, true);
    assert.ok((only.ratio ?? 0) > 2);
  });

  it('leaves out what is not in both, and says so', () => {
    const a = side('a');
    const b = side('b', { trials: a.trials.filter(({ forwarder }) => forwarder === 'copy') });
    const { figures, notes } = compareSides(a, b, ['goodput']);
    assert.deepEqual(
      figures.map(({ forwarder }) => forwarder),
      ['copy'],
    );
    assert.ok(notes.some((note) => note.startsWith('only in a: splice under ')));
    const elsewhere = a.trials.map((trial) => ({ ...trial, cell: 'other' }));
    const nothing = compareSides(a, side('b', { trials: elsewhere }));
    assert.deepEqual(nothing.figures, []);
    assert.match(comparisonText(nothing), /Nothing to compare/);
  });

  it('says what differs between the hosts', () => {
    const a = side('a');
    const environment = a.manifest.environment.map((host) => ({ ...host, kernel: 'another' }));
    const manifest: RunManifest = { ...a.manifest, run_id: 'b', environment };
    const { notes } = compareSides(a, side('b', { manifest }));
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /kernel was .* is "another"/);
  });
});
