/** Every scenario of the package: planned in whole, and some of them run for real. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { listScenarios, resolveScenario } from '../../src/experiment/scenario/names.js';
import { scratch, storedTrials } from '../support/folder.js';
import { cli } from '../support/process.js';

/** Run here with two forwarders each; the others are as their tests and `make bench-NAME` show. */
const RUN: readonly [name: string, only: string][] = [
  ['message-size', 'splice'],
  ['pipe-size', 'splice'],
  ['connections', 'splice'],
  ['congestion', 'splice'],
];

describe('shipped scenarios', async () => {
  const names = await listScenarios();

  for (const name of names) {
    it(`${name} says what it answers`, async () => {
      const text = readFileSync(await resolveScenario(name), 'utf8');
      assert.match(text, /^# \S/, 'a head comment');
    });
  }

  it('are planned, those that include others apart', async (t) => {
    const texts = await Promise.all(
      names.map(async (name) => readFileSync(await resolveScenario(name), 'utf8')),
    );
    const including = names.filter((_, index) => texts[index]?.includes('\ninclude:'));
    assert.ok(including.length > 0);
    const others = names.filter((name) => !including.includes(name));
    for (const some of [including, others]) {
      const { code, stdout, stderr } = await cli(t, ['run', ...some, '--quick', '--dry-run']);
      assert.equal(code, 0, stderr);
      const missing = others.filter((name) => !stdout.includes(`\n${name}: `));
      assert.ok(some === including || missing.length === 0, `${missing.join()} not in\n${stdout}`);
    }
  });

  for (const [name, only] of RUN) {
    it(`${name} runs with --quick`, async (t) => {
      const out = join(scratch(t), 'run');
      const args = ['run', name, '--quick', '--blocks', '1', '--only', only, '--out', out];
      const { code, stderr } = await cli(t, args);
      assert.equal(code, 0, stderr);
      const trials = storedTrials(out);
      assert.ok(trials.length >= 2);
      for (const trial of trials) {
        assert.ok(
          ['intact', 'unchecked'].includes(trial.outcome),
          `${trial.cell}: ${trial.error ?? ''}`,
        );
      }
    });
  }
});
