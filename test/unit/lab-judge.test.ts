/** Verdicts over controls: each kind has to fail when the checker sees nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allControls } from '../../src/tasks/selftest/controls.js';
import type { Control, ControlResult, Seen } from '../../src/tasks/selftest/control.js';
import { judgeControl, judgeDetectors } from '../../src/tasks/selftest/judge-control.js';
import type { Incident } from '../../src/data/record/record.js';
import { blankRecord } from '../../src/data/record/blank-record.js';
import { plannedLabTrial } from './lab-fixtures.js';

const CONTROLS = allControls(['splice']);

function control(name: string): Control {
  const found = CONTROLS.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

function seen(
  one: Control,
  record: Partial<Seen['record']>,
  incidents: Incident[] = [],
  overwritten = 0,
): Seen {
  const blank = blankRecord(plannedLabTrial(one), '2026-11-23T00:00:00Z', {});
  const detail = { faults: 1 };
  return { record: { ...blank, forwarder_detail: detail, ...record }, incidents, overwritten };
}

const lost: Incident = {
  connection: 0,
  direction: 'down',
  offset: 300_007,
  length: 16,
  class: 'missing',
  expected_hex: '',
  received_hex: '',
};

describe('judgeControl', () => {
  const missing = control('16 lost');
  const corrupt = { outcome: 'corrupt', incidents: 1 } as const;

  it('is proven by exactly the expected incident', () => {
    assert.equal(judgeControl(missing, seen(missing, corrupt, [lost])).verdict, 'proven');
  });

  for (const [what, incident] of [
    ['class', { ...lost, class: 'unknown' }],
    ['offset', { ...lost, offset: 300_008 }],
    ['length', { ...lost, length: 15 }],
  ] as const) {
    it(`is unproven by another ${what}, and says what was expected`, () => {
      const result = judgeControl(missing, seen(missing, corrupt, [incident]));
      assert.equal(result.verdict, 'unproven');
      assert.match(result.evidence, /expected missing at 300,007, 16 bytes/);
    });
  }

  it('is unproven by one incident too many', () => {
    const two = seen(missing, { ...corrupt, incidents: 2 }, [lost, { ...lost, offset: 400_000 }]);
    assert.equal(judgeControl(missing, two).verdict, 'unproven');
  });

  it('is unproven when another origin is named', () => {
    const swap = control('bytes from 8 further on');
    const found = { ...lost, class: 'misplaced', length: 1460, origin_offset: 300_015 } as const;
    assert.equal(judgeControl(swap, seen(swap, corrupt, [found])).verdict, 'proven');
    const elsewhere = { ...found, origin_offset: 300_016 };
    assert.equal(judgeControl(swap, seen(swap, corrupt, [elsewhere])).verdict, 'unproven');
  });

  it('is unproven when the fault was not made, though something was found', () => {
    const result = judgeControl(
      missing,
      seen(missing, { ...corrupt, forwarder_detail: { faults: 0 } }, [lost]),
    );
    assert.deepEqual([result.verdict, result.evidence], ['unproven', 'the fault was not made']);
  });

  it('never takes a check that sees nothing for a proof', () => {
    for (const one of CONTROLS) {
      const blind = seen(one, { outcome: 'intact', incidents: 0, corrupted_bytes: 0 }, [], 1e6);
      // Only controls in which nothing may be found are content with nothing, and those of honest
      // streams only when all of it was compared.
      const wanted = one.expect.kind === 'untouched' ? 'proven' : 'unproven';
      assert.equal(judgeControl(one, blind).verdict, wanted, one.name);
      const unchecked = seen(one, { check: 'none', outcome: 'unchecked' }, [], 1e6);
      assert.equal(judgeControl(one, unchecked).verdict, 'unproven', one.name);
      const failed = seen(one, { outcome: 'failed', error: 'no such thing' });
      assert.match(judgeControl(one, failed).evidence, /could not run: no such thing/);
    }
  });

  it('wants all of the memory written over to be found, as decoys', () => {
    const one = control('vmsplice through splice');
    const record = {
      outcome: 'corrupt',
      incidents: 32,
      incidents_by_class: { decoy: 32 },
    } as const;
    const verdict = (corrupted: number, extra: Partial<Seen['record']> = {}) =>
      judgeControl(one, seen(one, { ...record, corrupted_bytes: corrupted, ...extra }, [], 1e6))
        .verdict;
    assert.equal(verdict(1e6 - 10), 'proven');
    assert.equal(verdict(9e5), 'unproven');
    assert.equal(verdict(1e6, { incidents_by_class: { decoy: 31, unknown: 1 } }), 'unproven');
  });

  it('is unproven when a copy was written over in vain, or nothing was', () => {
    const one = control('vmsplice through copy');
    const verdict = (outcome: 'intact' | 'corrupt', overwritten: number) =>
      judgeControl(one, seen(one, { outcome }, [], overwritten)).verdict;
    assert.equal(verdict('intact', 1e6), 'proven');
    assert.equal(verdict('corrupt', 1e6), 'unproven');
    assert.equal(verdict('intact', 0), 'unproven');
  });

  it('wants later bytes in place of earlier ones where a buffer was filled again too early', () => {
    const one = control('zerocopy-early, slow reader');
    const verdict = (incident: Incident, outcome: 'intact' | 'corrupt' = 'corrupt') =>
      judgeControl(one, seen(one, { outcome }, [incident])).verdict;
    const later: Incident = { ...lost, class: 'misplaced', origin_offset: 900_000 };
    assert.equal(verdict(later), 'proven');
    assert.equal(verdict({ ...later, origin_offset: 100 }), 'unproven');
    assert.equal(verdict({ ...later, class: 'unknown' }), 'unproven');
    assert.equal(verdict(later, 'intact'), 'unproven');
  });

  it('wants every page of a set incidence, neither more nor fewer', () => {
    const one = control('1 page in 1,000');
    const result = (found: number, made = 100) =>
      judgeControl(
        one,
        seen(one, { outcome: 'corrupt', corrupted_bytes: found * 4096 }, [], made * 4096),
      );
    assert.equal(result(100).verdict, 'proven');
    assert.match(result(100).evidence, /95 % 1 in 822 to 1 in 1,229/);
    assert.equal(result(99).verdict, 'unproven');
    assert.equal(result(101).verdict, 'unproven');
    // As many found as made, but not the incidence that was set.
    assert.equal(result(50, 50).verdict, 'unproven');
    assert.equal(result(0, 0).verdict, 'unproven');
  });

  it('wants the very end that was made', () => {
    const one = control('an early end');
    const verdict = (error: string) =>
      judgeControl(one, seen(one, { outcome: 'truncated', error })).verdict;
    assert.equal(verdict('download: the last 8088601 bytes never arrived'), 'proven');
    assert.equal(verdict('download: the last 8088600 bytes never arrived'), 'unproven');
  });
});

describe('judgeDetectors', () => {
  const judged = (...verdicts: ControlResult['verdict'][]) => {
    const results = verdicts.map((verdict) => ({
      detector: 'zeros' as const,
      result: { name: 'n', verdict, evidence: '' },
    }));
    return judgeDetectors(results).find(({ detector }) => detector === 'zeros')?.verdict;
  };

  it('lets one blind control outweigh all others', () => {
    assert.equal(judged('proven', 'unproven', 'unavailable'), 'unproven');
  });
  it('is proven where at least one control could be made', () => {
    assert.equal(judged('proven', 'unavailable'), 'proven');
  });
  it('never takes unavailable, or nothing at all, for a pass', () => {
    assert.equal(judged('unavailable'), 'unavailable');
    assert.equal(judged(), 'unavailable');
  });
});

describe('allControls', () => {
  it('has a control for every detector, each with a name of its own', () => {
    const verdicts = judgeDetectors(
      CONTROLS.map(({ detector, name }) => ({
        detector,
        result: { name, verdict: 'proven', evidence: '' },
      })),
    );
    assert.deepEqual(
      verdicts.filter(({ verdict }) => verdict !== 'proven'),
      [],
    );
    assert.equal(new Set(CONTROLS.map(({ name }) => name)).size, CONTROLS.length);
  });
});
