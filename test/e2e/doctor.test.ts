/** The doctor on the host that runs the tests: it always runs, and says the same both ways. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WARNING_KINDS } from '../../src/machine/host/warnings.js';
import { scratch, writeScenario } from '../support/folder.js';
import { assertNothingLeft } from '../support/leaks.js';
import { cli, splicebench, start } from '../support/process.js';

interface Told {
  host: { kernel: string };
  facts: { cpus: number[] };
  warnings: { id: string; found: string; matters: string; remedy: string }[];
  forwarders: { name: string; available: boolean; reason: string | null }[];
  topologies: { name: string; available: boolean; reason: string | null }[];
}

describe('doctor', () => {
  it('tells as JSON what can be measured and what spoils it, and leaves nothing', async (t) => {
    const running = start(t, splicebench('doctor', '--json'));
    const { code, stdout } = await running.ended;
    assert.equal(code, 0, running.said());
    const told = JSON.parse(stdout) as Told;
    assert.ok(told.facts.cpus.length > 0);
    const known = WARNING_KINDS.map(({ id }) => id);
    for (const { id, found, matters, remedy } of told.warnings) {
      assert.ok(known.includes(id), id);
      for (const words of [found, matters, remedy]) assert.match(words, /\w{3}/);
    }
    for (const name of ['direct', 'copy', 'splice', 'poc']) {
      assert.ok(
        told.forwarders.some((one) => one.name === name && one.available),
        name,
      );
    }
    assert.ok(told.topologies.some(({ name }) => name === 'veth'));
    for (const { available, reason } of [...told.forwarders, ...told.topologies]) {
      assert.equal(available, reason === null);
    }
    await assertNothingLeft(running.mark, new Set());
  });

  it('tells the same in words', async (t) => {
    const { code, stdout } = await cli(t, ['doctor']);
    assert.equal(code, 0);
    assert.match(stdout, /^Can be measured here$/m);
    assert.match(stdout, /loopback/);
    assert.match(stdout, /remedy: |Nothing was found/);
  });

  it('looks at the ports that a scenario names, and takes none', async (t) => {
    const scenario = writeScenario(scratch(t), {
      topology: { kind: 'nic', ports: { forwarder: 'nowhere1', ends: 'nowhere2' } },
      forwarders: ['copy'],
    });
    const { code, stdout } = await cli(t, ['doctor', scenario]);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^ {2}forwarder nowhere1 +would be refused: /m);
    assert.match(stdout, /^ {2}ends nowhere2 +would be refused: /m);
  });

  it('finds what is missing when there is no program to be found', async (t) => {
    const { code, stdout } = await cli(t, ['doctor', '--json'], { env: { PATH: '/nowhere' } });
    assert.equal(code, 0);
    const told = JSON.parse(stdout) as Told;
    assert.ok(told.warnings.some(({ id }) => id === 'no-namespace'));
  });
});
