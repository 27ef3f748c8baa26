/** Forwarders that spin or keep sockets while nothing moves are named; those that wait are not. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { RESTLESS, type RestRecord } from '../../src/data/record/rest-record.js';
import { CARELESS_PROXY, type CarelessMode } from '../support/careless-proxy.js';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';

const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];
const careless = (mode: CarelessMode) => ({
  use: 'command',
  name: mode,
  argv: [process.execPath, CARELESS_PROXY, mode, ...PLACES],
});

async function runWith(t: TestContext, workload: object, forwarders: readonly unknown[]) {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    workload: { warmup: 0, stall: '5s', ...workload },
    forwarders,
    blocks: { min: 1, max: 1 },
  });
  const out = join(folder, 'run');
  const ended = await cli(t, ['run', scenario, '--out', out]);
  // A sender that is never let go counts as reset.
  assert.ok(ended.code === 0 || ended.code === 1, ended.stdout + ended.stderr);
  const rest = new Map(
    storedTrials(out).map(({ forwarder, rest: told }) => [
      forwarder,
      told as RestRecord | undefined,
    ]),
  );
  return { ended, rest };
}

for (const workload of [{ seconds: '200ms' }, { bytes: '4MiB', connections: 3 }]) {
  describe(`while nothing moves, ${JSON.stringify(workload)}`, () => {
    it('those that spin or keep sockets are found, their honest twin is not', async (t) => {
      const modes = (['honest', 'leak', 'spin'] as const).map(careless);
      const { rest, ended } = await runWith(t, workload, ['direct', ...modes]);
      assert.equal(rest.get('direct'), undefined);
      assert.ok((rest.get('spin')?.drained_cpu_share ?? 0) > RESTLESS);
      assert.ok((rest.get('spin')?.idle_cpu_share ?? 0) > RESTLESS);
      assert.ok((rest.get('leak')?.held?.states['CLOSE-WAIT'] ?? 0) >= 1);
      assert.deepEqual(rest.get('honest')?.held?.states, {});
      const said = ended.stdout.replaceAll(/\s+/g, ' ');
      assert.match(said, /spin used [\d.]+ of a CPU after all connections had ended/);
      assert.match(said, /leak still held \d+ sockets? two seconds after .*CLOSE-WAIT/);
      assert.doesNotMatch(said, /honest (used|still held)/);
    });
  });
}

describe('while nothing moves, the mechanisms', () => {
  it('wait, and let go of everything', async (t) => {
    const mechanisms = ['splice', 'copy', 'copy-adaptive', 'splice-tee', 'vmsplice', 'zerocopy'];
    const { rest, ended } = await runWith(t, { seconds: '200ms', connections: 2 }, mechanisms);
    for (const name of mechanisms) {
      const told = rest.get(name);
      assert.deepEqual(told?.unavailable, {}, name);
      assert.deepEqual(told.held?.states, {}, name);
    }
    assert.doesNotMatch(ended.stdout, /(used .* of a CPU (while|after)|still held)/);
  });
});
