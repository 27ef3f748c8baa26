/** What a forwarder against itself says of a host: variances, what they allow, how it is kept and told. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  bestRepetition,
  componentsOf,
  type SetSample,
} from '../../src/base/statistics/components.js';
import { Random } from '../../src/base/statistics/random.js';
import type { HostNoise } from '../../src/data/record/host-noise.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import { FakeClock } from '../support/fake-executor.js';
import { thisHost } from '../../src/machine/host/kept-results.js';
import { latestNoise, storeNoise } from '../../src/tasks/noise/kept-noise.js';
import { measureNoise, noiseScenario, PassingStore } from '../../src/tasks/noise/noise.js';
import { noiseLines, noiseSentence, noiseWarnings } from '../../src/tasks/noise/noise-text.js';
import { scratch } from '../support/folder.js';
import { normal, NoisyHost } from './noisy-host.js';
import { messageOf } from './scenario-fixtures.js';

function near(value: number, expected: number, within: number): void {
  assert.ok(Math.abs(value / expected - 1) < within, `${value}, expected about ${expected}`);
}

describe('the components of variance', () => {
  it('are told apart: rounds and sets', () => {
    const random = new Random('1', 'components');
    const rounds = 16;
    const samples = Array.from({ length: 4000 }, (): SetSample => {
      const set = 0.02 * normal(random);
      const half = () => set + (0.08 / Math.sqrt(rounds / 2)) * normal(random);
      const halves = [half(), half()] as const;
      return { log: (halves[0] + halves[1]) / 2, halves, rounds };
    });
    const found = componentsOf(samples);
    near(Math.sqrt(found?.set ?? 0), 0.02, 0.1);
    near(Math.sqrt(found?.round ?? 0), 0.08, 0.1);
  });

  it('of figures without rounds are all of sets; one set has none', () => {
    const of = (log: number): SetSample => ({ log, halves: null, rounds: 0 });
    assert.deepEqual(componentsOf([of(0), of(0.02)]), { sets: 2, round: null, set: 0.0002 });
    assert.equal(componentsOf([of(1)]), null);
  });
});

describe('the best use of some seconds', () => {
  const costs = { set: 1, round: 0.1 };

  it('is more rounds where rounds scatter, and more sets where sets do', () => {
    const rounds = bestRepetition({ sets: 9, round: 0.01, set: 1e-6 }, costs, 60);
    const sets = bestRepetition({ sets: 9, round: 1e-5, set: 0.001 }, costs, 60);
    assert.ok(rounds !== null && sets !== null);
    const both = JSON.stringify([rounds, sets]);
    assert.ok(rounds.rounds > 3 * sets.rounds && 2 * rounds.sets < sets.sets, both);
  });

  it('shows less the longer it is, and nothing where six sets do not fit', () => {
    const components = { sets: 9, round: 0.001, set: 0.0001 };
    const of = (seconds: number) => bestRepetition(components, costs, seconds)?.difference ?? null;
    const [long, longer] = [of(60), of(600)];
    assert.ok(long !== null && longer !== null && longer < long / 2);
    assert.equal(of(6), null);
  });

  it('is what a simulated run finds: a difference of that size in about four of five', () => {
    const components = { sets: 9, round: 0.0025, set: 0.0004 };
    const best = bestRepetition(components, costs, 30);
    assert.ok(best !== null);
    const random = new Random('2', 'power');
    const deviation = Math.sqrt(components.set + components.round / best.rounds);
    let found = 0;
    const runs = 2000;
    for (let run = 0; run < runs; run++) {
      const logs = Array.from(
        { length: best.sets },
        () => Math.log1p(best.difference) + deviation * normal(random),
      );
      const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
      const variance = logs.reduce((a, b) => a + (b - mean) ** 2, 0) / (logs.length - 1);
      // 2.2: Student's bound for some ten degrees of freedom.
      if (mean > 2.2 * Math.sqrt(variance / logs.length)) found += 1;
    }
    assert.ok(found / runs > 0.7 && found / runs < 0.9, `${found} of ${runs}`);
  });
});

/** Sets of which nothing is known. */
class MuteHost extends NoisyHost {
  override async runSet(trials: readonly PlannedTrial[], signal: AbortSignal) {
    const results = await super.runSet(trials, signal);
    return results.map(({ record, incidents }) => {
      const without = { ...record, goodput_gbps: null };
      delete without.slices;
      return { record: without, incidents };
    });
  }
}

async function measured(seconds: number, Host = NoisyHost): Promise<HostNoise> {
  const clock = new FakeClock();
  const executor = new Host(() => ({ goodput: 10, takes: 1 }), clock);
  const store = new PassingStore();
  const { signal } = new AbortController();
  const scenario = noiseScenario('copy', seconds);
  const found = await measureNoise({
    ...{ scenario, forwarder: 'copy', executor, store, signal, clock, seed: '1' },
  });
  assert.ok(found);
  return found;
}

describe('splicebench noise', () => {
  it('compares a forwarder with itself for the time given', async () => {
    const noise = await measured(60);
    assert.ok(noise.sets >= 25 && noise.sets <= 30, `${noise.sets} sets`);
    near(noise.cost.set, 0.8, 1e-6);
    near(noise.cost.round, 0.08, 1e-6);
    const [goodput, cpu] = noise.metrics;
    assert.ok(goodput && cpu);
    assert.deepEqual(
      goodput.shown.map(({ seconds }) => seconds),
      [10, 60, 600],
    );
    const [, minute, ten] = goodput.shown.map(({ difference }) => difference ?? Infinity);
    assert.ok(minute !== undefined && ten !== undefined && ten < minute && minute < 0.1);
    assert.ok(goodput.low !== null && goodput.low < 1 && (goodput.high ?? 0) > 1);
    // The drift of 20 % is the host's and not of the ratio.
    assert.ok(goodput.parts.host > 0.03 && goodput.parts.process < 0.03);
    assert.ok(cpu.parts.process < 1e-9, 'CPU per byte never differs here');
  });

  it('takes two sets where there is no time for them', async () => {
    assert.equal((await measured(1)).sets, 2);
  });

  it('says so where sets came to no figures', async () => {
    await assert.rejects(measured(1, MuteHost), /fewer than two sets of copy .* --seconds/);
  });

  it('refuses a forwarder that there is not', () => {
    assert.match(
      messageOf(() => noiseScenario('cpoy', 10)),
      /cpoy.*copy/,
    );
  });
});

describe('what was found of the noise', () => {
  it('is kept for this host, kernel and build', async (t) => {
    const path = join(scratch(t), 'state', 'noise.json');
    assert.equal(await latestNoise(path), null);
    const noise = await measured(60);
    await storeNoise(noise, path);
    assert.deepEqual(await latestNoise(path), noise);
    assert.equal(await latestNoise(path, { ...thisHost(), kernel: 'another' }), null);
  });

  it('is told in a table, in a sentence, and by the doctor where it is bad', async () => {
    const noise = await measured(60);
    const text = noiseLines(noise).join('\n');
    assert.match(text, /copy against itself: \d+ sets of 12 rounds in \d+ s/);
    assert.match(text, /forwarder CPU per GB/);
    assert.match(text, /to reduce it: .*(processes|slices)/);
    assert.match(noiseSentence(noise), /60 s show a difference from [\d.]+ % in goodput, /);
    assert.match(noiseSentence(undefined), /unknown/);
    assert.deepEqual(noiseWarnings(null), []);
    const quiet = noise.metrics.map((one) => ({
      ...one,
      shown: one.shown.map((shown) => ({ ...shown, difference: 0.01 })),
    }));
    assert.deepEqual(noiseWarnings({ ...noise, metrics: quiet }), []);
    const none = noise.metrics.map((one) => ({
      ...one,
      shown: one.shown.map((shown) => ({ ...shown, difference: null })),
    }));
    const [warning] = noiseWarnings({ ...noise, metrics: none });
    assert.equal(warning?.id, 'noise');
    assert.match(warning.found, /none in goodput/);
  });
});
