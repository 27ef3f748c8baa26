/** Scripted conversations on real sockets: each case fails against its faulty twin and passes against copy. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { packageRoot } from '../../src/base/process/package-root.js';
import { loadCases } from '../../src/tasks/conformance/case.js';
import { scratch, storedTrials, type TrialLine, writeScenario } from '../support/folder.js';
import { assertNothingLeft } from '../support/leaks.js';
import { splicebench, start } from '../support/process.js';
import { requireTool } from '../support/require-tool.js';

/** Of a CPU, while nothing moved. */
function shareOf(trial: TrialLine | undefined): number {
  const { idle } = trial?.['script'] as Found;
  return typeof idle === 'number' ? idle : 0;
}

type Keys = Record<string, unknown>;

function fileOf(name: string): Keys {
  const file = join(packageRoot(), 'bench', 'conformance', `${name}.yaml`);
  return parse(readFileSync(file, 'utf8')) as Keys;
}

/** A case's script as its file has it, without what only the command `conformance` knows. */
function scriptOf(name: string): Keys {
  const script = fileOf(name)['script'] as Keys;
  return Object.fromEntries(Object.entries(script).filter(([key]) => key !== 'thorough'));
}

function topologyOf(name: string): Keys {
  return (fileOf(name)['topology'] as Keys | undefined) ?? { kind: 'loopback' };
}

/** What a trial of a script has found, as far as the test looks into it. */
interface Found {
  failed: number;
  failures: { kind: string; text: string }[];
  idle: number | string | null;
}

/** Times and the CPU's use of them are this machine's, which may be busy. */
const OF_HOST = ['time', 'cost'];

describe('conformance: every case against its twin', async () => {
  const cases = (await loadCases([])).filter(({ play }) => play !== null);

  it('every case that can be played has one', () => {
    const without = cases.flatMap(({ name, twin }) => (twin === null ? [name] : []));
    assert.deepEqual(without, []);
  });

  for (const { name, twin, play } of cases) {
    // What a proxy adds is shown by one that does.
    const version = play?.workload.prefix?.replace('proxy-', '') ?? null;
    const added = { use: 'haproxy', name: 'copy', 'proxy-protocol': version };
    const honest = version === null ? 'copy' : added;
    it(name, version === null ? {} : requireTool('haproxy'), async (t) => {
      const folder = scratch(t);
      const scenario = writeScenario(folder, {
        topology: topologyOf(name),
        workload: { kind: 'script', ...scriptOf(name) },
        forwarders: [{ use: 'faulty', name: 'twin', ...twin }, honest],
        baseline: 'copy',
        blocks: { min: 1, max: 1 },
      });
      const out = join(folder, 'run');
      const running = start(t, splicebench('run', scenario, '--out', out));
      const { code, stderr } = await running.ended;
      await assertNothingLeft(running.mark, new Set());
      const outcomes = new Map(storedTrials(out).map((one) => [one.forwarder, one]));
      const copy = outcomes.get('copy');
      assert.equal(copy?.outcome, 'intact', stderr);
      const missed = (copy['script'] as Found).failures;
      assert.deepEqual(
        missed.filter(({ kind }) => !OF_HOST.includes(kind)),
        [],
      );
      const faulty = outcomes.get('twin');
      const { failed, failures } = faulty?.['script'] as Found;
      // A busy machine may give a spinner less than the bound: still far more than copy needs.
      const spins = shareOf(faulty) > 0.01 && shareOf(faulty) > 10 * shareOf(copy);
      assert.ok(failed > 0 || spins, stderr);
      const grave = failures.some(({ kind }) => !OF_HOST.includes(kind));
      assert.equal(faulty?.outcome === 'intact', !grave, stderr);
      if (grave) assert.ok(code !== 0, 'the exit code tells');
    });
  }
});

describe('splicebench conformance', () => {
  it(
    'finds that HAProxy loses the end of a stream, and that copy does not',
    requireTool('haproxy'),
    async (t) => {
      const folder = scratch(t);
      const wish = ['burst-and-end-paused-reader', '--only', 'haproxy,copy', '--json', '--out'];
      const found = start(t, splicebench('conformance', ...wish, join(folder, 'first')));
      const { code, stdout, stderr } = await found.ended;
      assert.equal(code, 3, stderr);

      const expected = join(folder, 'expected.json');
      writeFileSync(expected, stdout);
      const again = ['burst-and-end-paused-reader', '--only', 'haproxy,copy', '--check', expected];
      const known = start(t, splicebench('conformance', ...again, '--out', join(folder, 'second')));
      assert.equal((await known.ended).code, 0, 'a known failure is as expected');

      const healthy = stdout.replaceAll('"fail"', '"pass"').replaceAll('"failed"', '"pass"');
      assert.notEqual(healthy, stdout);
      writeFileSync(expected, healthy);
      const differs = start(
        t,
        splicebench('conformance', ...again, '--out', join(folder, 'third')),
      );
      assert.equal((await differs.ended).code, 4, 'another result than the stored one');
      await assertNothingLeft(found.mark, new Set());
    },
  );

  it('names what it does not know', async (t) => {
    const running = start(t, splicebench('conformance', 'burst-and-end'));
    const { code, stderr } = await running.ended;
    assert.equal(code, 2);
    assert.match(stderr, /burst-and-end/);
  });
});
