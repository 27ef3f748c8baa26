import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CardBoot, cardsPage } from '../../bench/lab-cards/page.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import type { Matrix } from '../../src/tasks/conformance/suite.js';
import type { LabFacts } from '../../src/tasks/lab/lab.js';

const facts = (nic: string, failure: string | null = null) =>
  ({ release: '6.1', kernel: '/k', nic, cpus: 2, accelerator: 'tcg', failure }) as LabFacts;
const cell = (label: string, verdict: string, reasons: string[] = []) => ({
  ...{ case: 'one', forwarder: label, verdict, reasons, failed: verdict === 'fail' ? 1 : 0 },
  ...{ conversations: 2, runs: [verdict] },
});
const played = (nic: string, ...cells: ReturnType<typeof cell>[]): CardBoot => ({
  name: `${nic}-conformance`,
  facts: facts(nic),
  matrix: {
    cases: [{ name: 'one' }],
    forwarders: cells.map(({ forwarder: label }) => ({ label, version: null })),
    cells,
  } as unknown as Matrix,
  trials: [],
});
const ran = (nic: string, ...trials: Partial<TrialRecord>[]): CardBoot => ({
  name: `${nic}-adversarial`,
  facts: facts(nic, 'the kernel panicked\nmore'),
  matrix: null,
  trials: trials.map((one) => ({
    ...{ scenario: 's', forwarder: 'splice', outcome: 'intact', verified_bytes: 1e6, error: null },
    ...one,
  })) as TrialRecord[],
});

describe('the page of the emulated cards', () => {
  it('has each case on each card, and why it is no pass', () => {
    const page = cardsPage([
      played('e1000e', cell('direct', 'pass'), cell('splice', 'fail', ['no end came'])),
      played('rtl8139', cell('direct', 'unavailable', ['the time was over'])),
    ]);
    assert.match(page, /\| case \| e1000e direct \| e1000e splice \| rtl8139 direct \|/);
    assert.match(page, /\| one \| pass \| FAIL 1\/2 \| - \|/);
    assert.match(page, /- one, e1000e splice: FAIL 1\/2: no end came/);
    assert.match(page, /- one, rtl8139 direct: -: the time was over/);
    assert.match(page, /They were not run\./);
  });

  it('names no card where all of them have one reason', () => {
    const why = ['it needs a UNIX socket'];
    const none = (nic: string) => played(nic, cell('direct', 'unavailable', why));
    const page = cardsPage([none('e1000e'), none('rtl8139')]);
    assert.match(page, /\n- one: -: it needs a UNIX socket\n/);
  });

  it('has each trial on each card, those that are missing as such, and what ended a boot', () => {
    const page = cardsPage([
      ran('e1000e', {}, { forwarder: 'copy', outcome: 'stalled', error: 'no progress | for 60 s' }),
      ran('rtl8139', { verified_bytes: null }),
    ]);
    assert.match(page, /\| s \| splice \| intact, 1,000,000 bytes \| intact, nothing compared \|/);
    assert.match(page, /\| s \| copy \| stalled: no progress \\\| for 60 s \| not run \|/);
    assert.match(page, /1 trials; it did not come to its end: the kernel panicked\./);
    assert.match(page, /It was not played\./);
  });
});
