import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Claim, Test } from '../../src/claims/claim.js';
import {
  type ClaimEvidence,
  forwardersOf,
  isMet,
  judgeClaim,
  rangeText,
} from '../../src/claims/judge.js';
import { CLAIMS, claimsOf, scenariosOf } from '../../src/claims/registry.js';
import { forwarderKinds } from '../../src/forwarders/registry.js';
import { claimCharts } from '../../src/report/claims-chart.js';
import { claimsCsv, claimsMarkdown, claimsText } from '../../src/report/claims-table.js';
import { renderSvg } from '../../src/report/svg.js';
import type { TrialRecord } from '../../src/results/record.js';
import { loadScenario } from '../../src/scenario/load.js';
import { METRIC_NAMES } from '../../src/statistics/metrics.js';
import { COPY, fakeSource, SPLICE } from './report-fixture.js';

function claim(test: Test, change: Partial<Claim> = {}): Claim {
  return {
    id: 'one',
    source: 'somebody, 2010',
    statement: 'splice is faster',
    place: 'anywhere',
    needs: null,
    judged: { scenario: 'loopback', test },
    expected: null,
    ...change,
  };
}

/** Eight blocks in which splice is 2.31 times as fast as copy. */
function evidence(change: (trial: TrialRecord) => TrialRecord = (trial) => trial): ClaimEvidence {
  const { trials } = fakeSource({ forwarders: [SPLICE, COPY], checks: ['full'], blocks: 8 });
  return { trials: trials.map(change), unavailable: [] };
}

const ratio = (from?: number, to?: number): Test => ({
  kind: 'ratio',
  of: 'splice',
  over: 'copy',
  metric: 'goodput',
  claimed: { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
});

describe('judgeClaim', () => {
  it('supports, refutes, or shows nothing, by the interval', () => {
    assert.equal(judgeClaim(claim(ratio(2)), evidence()).verdict, 'supported');
    assert.equal(judgeClaim(claim(ratio(3)), evidence()).verdict, 'refuted');
    assert.equal(judgeClaim(claim(ratio(undefined, 1.1)), evidence()).verdict, 'refuted');
    const { measured } = judgeClaim(claim(ratio(2)), evidence());
    assert.ok(measured?.low !== null && measured?.low !== undefined);
    assert.equal(judgeClaim(claim(ratio(measured.value)), evidence()).verdict, 'not reproduced');
    const few = evidence();
    const trials = few.trials.filter(({ block }) => block <= 3);
    const judged = judgeClaim(claim(ratio(2)), { ...few, trials });
    assert.equal(judged.verdict, 'not reproduced');
    assert.match(judged.detail, /too few blocks/);
  });

  it('never takes loopback for network cards', () => {
    const judged = judgeClaim(claim(ratio(2), { place: 'nic', needs: 'a card' }), evidence());
    assert.equal(judged.verdict, 'cannot be tested here');
    assert.equal(judged.emulated, 'supported');
    assert.match(judged.detail, /it takes a card; emulated on loopback/);
    const wired = evidence((trial) => ({ ...trial, topology: 'nic' }));
    assert.equal(judgeClaim(claim(ratio(2), { place: 'nic' }), wired).verdict, 'supported');
  });

  it('says what is missing', () => {
    const nobody = judgeClaim(claim(ratio(2)), { trials: [], unavailable: [] });
    assert.equal(nobody.verdict, 'cannot be tested here');
    assert.match(nobody.detail, /no trial of splice in scenario loopback/);
    const reason = 'haproxy not found (apt-get install haproxy)';
    const left = { scenario: 'loopback', forwarder: 'splice', cell: null, reason };
    const absent = judgeClaim(claim(ratio(2)), { trials: [], unavailable: [left] });
    assert.match(absent.detail, /splice is unavailable: haproxy not found \(apt-get/);
    const never = judgeClaim(claim(ratio(2), { judged: null, needs: 'a wire' }), evidence());
    assert.match(never.detail, /it takes a wire/);
  });

  it('of corruption: one incident supports it, none gives a bound', () => {
    const test: Test = { kind: 'corruption', of: ['splice'] };
    const clean = judgeClaim(claim(test, { expected: 'not reproduced' }), evidence());
    assert.equal(clean.verdict, 'not reproduced');
    assert.match(clean.detail, /none in .* below .* per TB/);
    assert.equal(isMet(clean), true);
    const hit = evidence((trial) => ({ ...trial, incidents: trial.block === 3 ? 1 : 0 }));
    const found = judgeClaim(claim(test, { expected: 'not reproduced' }), hit);
    assert.equal(found.verdict, 'supported');
    assert.equal(isMet(found), false);
  });

  it('of blocking: one stalled trial supports it', () => {
    const test: Test = { kind: 'stall', of: 'splice' };
    assert.equal(judgeClaim(claim(test), evidence()).verdict, 'not reproduced');
    const stalled = evidence((trial) => ({ ...trial, outcome: 'stalled' }));
    assert.equal(judgeClaim(claim(test), stalled).verdict, 'supported');
  });

  it('of incidence: nothing to compare where nothing is wrong', () => {
    const test: Test = { kind: 'incidence', of: ['copy'], against: ['splice'], claimed: 'fewer' };
    assert.equal(judgeClaim(claim(test), evidence()).verdict, 'not reproduced');
    const spliced = evidence((trial) => ({
      ...trial,
      incidents: trial.forwarder === 'splice' ? 5 : 0,
    }));
    assert.equal(judgeClaim(claim(test), spliced).verdict, 'supported');
    assert.equal(judgeClaim(claim({ ...test, claimed: 'more' }), spliced).verdict, 'refuted');
    const same: Test = { ...test, claimed: 'same' };
    assert.equal(judgeClaim(claim(same), spliced).verdict, 'refuted');
    const both = evidence((trial) => ({ ...trial, incidents: 2 }));
    assert.equal(judgeClaim(claim(same), both).verdict, 'supported');
    assert.equal(judgeClaim(claim(test), both).verdict, 'not reproduced');
    const different: Test = { ...test, claimed: 'different' };
    assert.equal(judgeClaim(claim(different), spliced).verdict, 'supported');
    assert.equal(judgeClaim(claim(different), both).verdict, 'not reproduced');
    assert.equal(judgeClaim(claim(different), evidence()).verdict, 'not reproduced');
  });

  it('looks only at the cells asked for, by whole parts of their keys', () => {
    const cells = evidence((trial) => ({ ...trial, cell: 'loopback/message=1KiB,check=full' }));
    const at = (cell: string) =>
      judgeClaim(
        claim(ratio(2), { judged: { scenario: 'loopback', cell, test: ratio(2) } }),
        cells,
      );
    assert.equal(at('message=1KiB').verdict, 'supported');
    assert.equal(at('message=1K').verdict, 'cannot be tested here');
  });
});

describe('the published claims', () => {
  it('have unique ids, known metrics, and forwarders that their scenarios have', async () => {
    assert.equal(new Set(CLAIMS.map(({ id }) => id)).size, CLAIMS.length);
    for (const { id, judged } of CLAIMS) {
      if (judged === null) continue;
      const { test } = judged;
      if ('metric' in test) assert.ok(METRIC_NAMES.includes(test.metric), `${id}: ${test.metric}`);
      const scenario = await loadScenario(judged.scenario, forwarderKinds);
      const labels = scenario.forwarders.map(({ label }) => label);
      for (const label of forwardersOf(test)) assert.ok(labels.includes(label), `${id}: ${label}`);
      const { cell } = judged;
      if (cell === undefined) continue;
      assert.ok(
        scenario.cells.some(({ key }) => key.split(/[/,]/).includes(cell)),
        `${id}: ${cell}`,
      );
    }
  });

  it('are found by id; an unknown one names the nearest', () => {
    assert.equal(claimsOf([]).length, CLAIMS.length);
    assert.deepEqual(
      claimsOf(['2008-ratio']).map(({ id }) => id),
      ['2008-ratio'],
    );
    assert.throws(() => claimsOf(['2008-ration']), /did you mean '2008-ratio'/);
    assert.deepEqual(scenariosOf(claimsOf(['2008-ratio', '2008-move-speed'])), ['claims-speed']);
  });
});

describe('tables and charts of claims', () => {
  const judged = [
    judgeClaim(claim(ratio(2)), evidence()),
    judgeClaim(claim(ratio(3, 4), { id: 'two', place: 'nic', needs: 'a | card' }), evidence()),
    judgeClaim(claim(ratio(2), { id: 'three', judged: null, needs: 'a wire' }), evidence()),
  ];

  it('count the verdicts and say what is emulated', () => {
    const text = claimsText(judged, 80);
    assert.match(text, /^one: supported$/m);
    assert.match(text, /two: cannot be tested here \(emulated: refuted\)/);
    assert.match(text, /3 claims: 1 supported, 0 refuted, 0 not reproduced, 2 cannot be tested/);
    const { manifest } = fakeSource();
    const markdown = claimsMarkdown(judged, [manifest], claimCharts(judged));
    assert.match(markdown, /a \\\| card/);
    assert.ok(markdown.includes(`Measured in run ${manifest.run_id}, `), markdown);
    assert.match(markdown, /!\[Ratios: claimed and measured: .*\]\(claims\.svg\)/);
    assert.doesNotMatch(claimsMarkdown(judged.slice(2), [], []), /Measured in|svg/);
    const csv = claimsCsv(judged);
    assert.equal(csv.trim().split('\n').length, 4);
    assert.match(csv, /^id,source,statement,place,scenario,metric,claimed,verdict,emulated,/);
  });

  it('draw claimed beside measured, and nothing for what has no number', () => {
    const [chart, ...rest] = claimCharts(judged);
    assert.ok(chart !== undefined && rest.length === 0);
    const svg = renderSvg(chart);
    assert.match(svg, /one/);
    assert.match(chart.alt, /two claimed 3.00 to 4.00, measured/);
    assert.deepEqual(claimCharts(judged.slice(2)), []);
  });

  it('write a range as a person does', () => {
    assert.equal(rangeText({ from: 10 / 3 }), '3.33 or more');
    assert.equal(rangeText({ to: 1.05 }), 'at most 1.05');
    assert.equal(rangeText({ from: 2.5, to: 3.5 }), '2.50 to 3.50');
  });
});
