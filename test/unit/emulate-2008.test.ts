import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findBudget, type Measure, measureBudgets } from '../../src/tasks/claims/budget-2008.js';
import { emulationMarkdown } from '../../src/report/render/emulation.js';

const LIMITS = { least: 0.1, most: 1 };

/** A machine on which a whole CPU forwards so much, up to the link's 10 Gbps. */
function machine(copy: number, splice: number, loss = 1): Measure {
  return (mechanism, cpus) =>
    Promise.resolve(Math.min(9.5, loss * cpus * (mechanism === 'copy' ? copy : splice)));
}

describe('the budget of 2008', () => {
  it('is found where copying forwards 3 Gbps', async () => {
    for (const copy of [4, 8, 15, 25]) {
      const { cpus, reason } = await findBudget(machine(copy, 40), LIMITS);
      assert.equal(reason, null);
      assert.ok(cpus !== null && Math.abs((cpus * copy) / 3 - 1) < 0.06, `${copy}: ${cpus}`);
    }
  });

  it('is said not to be there on a machine that is too slow, too fast, or gives nothing', async () => {
    const slow = await findBudget(machine(2, 40), LIMITS);
    assert.equal(slow.cpus, null);
    assert.match(slow.reason ?? '', /only 2\.00 Gbps with all of 1 CPU/);
    const fast = await findBudget(machine(80, 80), LIMITS);
    assert.equal(fast.cpus, null);
    assert.match(fast.reason ?? '', /with the least budget there is/);
    const none = await findBudget(() => Promise.resolve(null), LIMITS);
    assert.match(none.reason ?? '', /no goodput/);
    const text = emulationMarkdown({ budget: slow, figures: [], blocks: 6 });
    assert.match(text, /Unavailable: copying reaches only/);
  });

  it('says how far splicing gets, and where the claim holds', async () => {
    const good = machine(10, 40);
    const budget = await findBudget(good, LIMITS);
    const budgets = [0.15, budget.cpus ?? 0, 0.6];
    const figures = await measureBudgets(good, budgets, 6);
    assert.deepEqual(
      figures.map(({ holds }) => holds),
      [false, true, false],
    );
    const text = emulationMarkdown({ budget, figures, blocks: 6 });
    assert.match(text, /^Emulated: /m);
    assert.match(
      text,
      /The claim holds with 30\.\d % of a CPU|The claim holds with 2\d\.\d % of a CPU/,
    );
    assert.ok(!text.includes('too few'));
  });

  it('refuses the claim where splicing saves little, and says that few blocks decide little', async () => {
    const budget = await findBudget(machine(10, 14), LIMITS);
    const figures = await measureBudgets(machine(10, 14), [0.3, 0.8], 2);
    const text = emulationMarkdown({ budget, figures, blocks: 2 });
    assert.match(text, /With none of these budgets does the claim hold/);
    assert.match(text, /Splicing fills the link from 80\.0 % of a CPU on/);
    assert.match(text, /2 blocks are too few/);
  });
});
