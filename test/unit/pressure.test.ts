/** Pressure stall information: what the kernel says, which rounds stand out, and what is told of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Pressed, pressureOf, waitedBetween } from '../../src/experiment/measure/pressure.js';
import type { SliceSeries, TrialRecord } from '../../src/data/record/record.js';
import { unusualWaits } from '../../src/data/record/unusual-wait.js';
import { setsLeftOut, setsWaiting } from '../../src/experiment/verdict/apart-sets.js';
import { disturbanceNotes } from '../../src/experiment/verdict/verdict-disturbed.js';
import { readPressure } from '../../src/machine/host/pressure.js';
import { COPY, fakeSource, SPLICE } from './report-fixture.js';

const TEXT = `some avg10=99.05 avg60=99.21 avg300=98.49 total=11535413905
full avg10=0.00 avg60=0.00 avg300=0.00 total=7
`;

describe('the pressure of a machine', () => {
  it('is the time in which some task waited', () => {
    const read = (path: string) => (path.endsWith('/cpu') ? TEXT : TEXT.replace('115354', ''));
    assert.deepEqual(readPressure(read), { cpu: 11535.413905, memory: 0.013905, io: 0.013905 });
  });

  it('is unknown where the kernel tells none', () => {
    const gone = () => {
      throw new Error('ENOENT');
    };
    assert.equal(readPressure(gone), null);
    assert.equal(
      readPressure(() => 'full avg10=0.00 total=7'),
      null,
    );
    assert.equal(waitedBetween(null, { cpu: 1, memory: 1, io: 1 }), null);
  });

  it('is read of this machine, if at all, and grows', () => {
    const from = readPressure();
    const waited = waitedBetween(from, readPressure());
    if (from === null) assert.equal(waited, null);
    else assert.ok(Object.values({ ...waited }).every((seconds) => seconds >= 0));
  });
});

/** Slices with these shares. */
function slices(cpu: readonly number[], memory = 0, seconds = 0.1): Pressed[] {
  return cpu.map((share, index) => ({
    round: index + 1,
    seconds,
    waited: { cpu: share * seconds, memory: memory * seconds, io: 0 },
  }));
}

/** Trials of two forwarders in sets with these shares, one after the other. */
function waitingSets(shares: readonly number[]): TrialRecord[] {
  return trialsWith([], shares.length).map((trial) => ({
    ...trial,
    slices: {
      ...trial.slices,
      pressure: { cpu: shares[trial.block - 1] ?? 0, memory: 0, io: 0 },
    } as SliceSeries,
  }));
}

describe('waiting that is unusual', () => {
  it('is a quarter of the time above the median, and all that is more', () => {
    assert.deepEqual(unusualWaits([0.5, 0.5, 0.75, 0.5, 0.7421875]), [2]);
    assert.deepEqual(unusualWaits([0.5, null, 0.5, 0.25, 1]), [4]);
    assert.deepEqual(unusualWaits([null]), []);
  });

  it('has one bound for rounds of a set and for sets of a cell', () => {
    const shares = [0.5, 0.5, 0.75, 0.5, 0.5, 0.5, 0.5];
    assert.deepEqual(pressureOf([slices(shares, 0, 1)])?.pressed, [3]);
    assert.deepEqual([...setsWaiting(waitingSets(shares))], ['b3']);
    const below = shares.map((share) => Math.min(share, 0.7421875));
    assert.deepEqual(pressureOf([slices(below, 0, 1)])?.pressed, []);
    assert.deepEqual([...setsWaiting(waitingSets(below))], []);
  });
});

describe('rounds under pressure', () => {
  it('are those that differ from what is usual in their arm, however much that is', () => {
    const busy = slices([0.7, 0.7, 0.7, 0.7, 0.7], 0.5);
    assert.deepEqual(pressureOf([busy, slices([0.1, 0.1, 0.12, 0.1, 0.08])])?.pressed, []);
    assert.deepEqual(pressureOf([busy, slices([0.1, 0.1, 0.5, 0.1, 0.3])])?.pressed, [3]);
    const [one, ...others] = busy;
    assert.ok(one);
    const swapping = [{ ...one, waited: { ...one.waited, memory: 0.09 } }, ...others];
    assert.deepEqual(pressureOf([swapping, busy])?.pressed, [1]);
  });

  it('are known with the shares of the whole set, or not at all', () => {
    assert.deepEqual(pressureOf([slices([0.2, 0.4]), slices([0.6, 0.4])])?.pressure, {
      ...{ cpu: 0.4, memory: 0, io: 0 },
    });
    assert.equal(pressureOf([[], []]), null);
  });
});

/** Trials of sets with these rounds under pressure; undefined = stored before there was such a figure. */
function trialsWith(pressed: number[] | undefined, blocks = 2): TrialRecord[] {
  const { trials } = fakeSource({ forwarders: [COPY, SPLICE], checks: ['none'], blocks });
  const four = [1, 2, 3, 4];
  return trials.map((trial) => ({
    ...trial,
    slices: {
      set: `b${trial.block}`,
      settle: 0.015,
      round: four,
      turn: four,
      seconds: four,
      bytes: four,
      all_bytes: four,
      cpu_seconds: four,
      stolen: four,
      ...(pressed === undefined ? {} : { pressed }),
    },
  }));
}

describe('the verdict on pressure', () => {
  it('counts a set once, and says that its rounds are kept', () => {
    const notes = disturbanceNotes(trialsWith([2]));
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /^Pressure: in 2 of 8 rounds .* are kept\.$/);
  });

  it('names the sets that are left out for it, of many only the first', () => {
    const usual = Array.from({ length: 20 }, () => 0.3);
    const notes = (others: readonly number[]) =>
      disturbanceNotes(waitingSets([...others, ...usual]));
    assert.deepEqual(notes([0.3, 0.9]), [
      'Pressure all through: set 2 is left out, in which tasks waited for a CPU by a quarter of the time more than in the median set (PSI).',
    ]);
    assert.match(notes([0.9, 0.3, 0.9])[0] ?? '', /: sets 1 and 3 are left out/);
    assert.match(
      notes(usual.slice(0, 6).map(() => 0.9))[0] ?? '',
      /: sets 1, 2, 3, 4, 5 and 6 are/,
    );
    assert.match(
      notes(usual.slice(0, 8).map(() => 0.9))[0] ?? '',
      /: sets 1, 2, 3, 4, 5 and 3 more are/,
    );
    const elsewhere = waitingSets([0.3, 0.9, ...usual]);
    const two = elsewhere.map((trial): TrialRecord => {
      const slices = { ...trial.slices, set: `other ${trial.block}` } as SliceSeries;
      return { ...trial, cell: 'other', slices };
    });
    const [cell = ''] = elsewhere.map((trial) => trial.cell);
    assert.match(
      disturbanceNotes([...elsewhere, ...two])[0] ?? '',
      new RegExp(`: sets 2 of ${cell.replaceAll('/', '.')} and 2 of other are left out`),
    );
  });

  it('names no set that is left out for something else', () => {
    const sets = waitingSets([0.9, ...Array.from({ length: 8 }, () => 0.3)]);
    const apart = sets.map((trial): TrialRecord => {
      const line = trial.block === 2 ? 500 : 50;
      return {
        ...trial,
        slices: { ...trial.slices, line_ns: [line, line, line, line] } as SliceSeries,
      };
    });
    assert.deepEqual([...setsLeftOut(apart)], ['b1', 'b2']);
    assert.match(disturbanceNotes(apart).at(-1) ?? '', /^Pressure all through: set 1 is left out/);
  });

  it('is silent where nothing stood out, and of old runs', () => {
    assert.deepEqual(disturbanceNotes(trialsWith([])), []);
    assert.deepEqual(disturbanceNotes(trialsWith(undefined)), []);
  });
});
