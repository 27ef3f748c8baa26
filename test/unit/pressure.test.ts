/** Pressure stall information: what the kernel says, which rounds stand out, and what is told of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Pressed, pressureOf, waitedBetween } from '../../src/experiment/measure/pressure.js';
import type { TrialRecord } from '../../src/data/record/record.js';
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

/** Slices of 100 ms with these shares. */
function slices(cpu: readonly number[], memory = 0): Pressed[] {
  return cpu.map((share, index) => ({
    round: index + 1,
    seconds: 0.1,
    waited: { cpu: share / 10, memory: memory / 10, io: 0 },
  }));
}

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

/** Trials of two sets with these rounds under pressure; undefined = stored before there was such a figure. */
function trialsWith(pressed: number[] | undefined): TrialRecord[] {
  const { trials } = fakeSource({ forwarders: [COPY, SPLICE], checks: ['none'], blocks: 2 });
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

  it('is silent where nothing stood out, and of old runs', () => {
    assert.deepEqual(disturbanceNotes(trialsWith([])), []);
    assert.deepEqual(disturbanceNotes(trialsWith(undefined)), []);
  });
});
