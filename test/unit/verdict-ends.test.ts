/** What the verdict says where real bytes, the forwarder alone and checked bytes were measured. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildReport } from '../../src/report/model/model.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import { COPY, fakeReport, fakeSource, type FakeForwarder, SPLICE } from './report-fixture.js';

/** A run with three kinds of ends; of real bytes splice is so fast, and the rest of the host takes so much. */
function threeKinds(gbps: number, rest = 0.6) {
  const plain = fakeSource({ forwarders: [SPLICE, COPY] });
  const real: FakeForwarder[] = [{ ...SPLICE, gbps }, COPY];
  const source = fakeSource({ forwarders: real, checks: ['none'], columns: { payload: 'copied' } });
  const cell = 'loopback/check=none,payload=copied';
  const trials = source.trials.map((trial) => ({ ...trial, cell }));
  const summary = source.summary.map((row) => {
    const shift = row.metric === 'system_cpu_per_gb' && row.median !== null ? rest : 0;
    return { ...row, cell, median: row.median === null ? null : row.median + shift };
  });
  return buildReport({
    ...plain,
    trials: [...plain.trials, ...trials],
    summary: [...plain.summary, ...summary],
  });
}

const sentenceOf = (gbps: number) => threeKinds(gbps).verdict.speed.sentence;

describe('the verdict between ends of several kinds', () => {
  it('gives real bytes and the forwarder alone, CPU per GB of both, and cores', () => {
    const [first] = sentenceOf(SPLICE.gbps).split('. ');
    assert.match(
      first ?? '',
      /^Faster: splice forwards 2\.\d\dx \(.*\) as fast as copying on this host with real bytes, at 0\.38x the forwarder's CPU per GB; the forwarder alone, with the ends out of the way, 2\.\d\dx \(.*\), at 0\.38x the forwarder's CPU per GB; 10 Gbps with real bytes take 1\.2 cores of the whole system instead of 1\.6, and 0\.21 cores of the forwarder instead of 0\.57\.?$/,
    );
    assert.doesNotMatch(sentenceOf(SPLICE.gbps), /differ/);
  });

  it('says first where they disagree, and why', () => {
    const less = sentenceOf(COPY.gbps * 1.3);
    assert.match(
      less,
      /^Faster, less than with the ends out of the way: splice forwards 1\.[23]\dx/,
    );
    assert.match(
      less,
      /\. The two differ because no forwarder saves what source, sink and the rest of the host take beside it: 0\.8\d+ s\/GB with real bytes and 0\.2\d+ s\/GB with the ends out of the way \(splice\)\./,
    );
    const none = sentenceOf(COPY.gbps);
    assert.match(
      none,
      /^(Undecided|Equivalent within ±3%) with real bytes, faster with the ends out of the way: splice/,
    );
    assert.match(sentenceOf(COPY.gbps * 0.7), /^Slower with real bytes, faster with the ends out/);
    assert.match(sentenceOf(SPLICE.gbps * 2), /^Faster, more than with the ends out of the way:/);
  });

  it('never rests on pages alone that no CPU touches', () => {
    const { sentence } = fakeReport({ checks: ['none'] }).verdict.speed;
    assert.match(sentence, /This is the forwarder alone: real bytes were not measured \(workload/);
    const checked = fakeReport({}).verdict.speed.sentence;
    assert.match(checked, /; with every byte checked, 2\.\d\dx/);
    const matrix = fakeReport({ checks: ['none'], connections: [1, 8] }).verdict.speed.sentence;
    assert.match(matrix, /real bytes were not measured/);
  });

  it('has a section for each kind, real bytes first', () => {
    const text = terminalReport(threeKinds(SPLICE.gbps), { columns: 100, color: false });
    const places = ['none, payload: copied', 'none, payload: prepared', 'full'].map((kind) =>
      text.indexOf(`Speed (check: ${kind})`),
    );
    assert.ok(places.every((place) => place >= 0));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
  });
});
