import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { unavailableIn } from '../../src/experiment/trial/availability.js';
import { lacksDescriptors } from '../../src/experiment/trial/descriptors.js';
import { descriptorLimit } from '../../src/machine/host/descriptor-limit.js';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             7823                 7823                 processes
Max open files            1024                 20000                files
`;

const SCENARIO = `name: t
matrix: { workload.connections: [1, 100, 1000] }
forwarders: [direct, copy]
`;

describe('descriptors', () => {
  it('are limited by the hard limit', () => {
    assert.equal(descriptorLimit(LIMITS), 20_000);
    assert.equal(descriptorLimit(LIMITS.replace('20000', 'unlimited')), null);
    assert.equal(descriptorLimit(''), null);
    assert.ok((descriptorLimit() ?? 1024) >= 256, 'of this process');
  });

  it('leave out the conditions that need more, with the limit named', async () => {
    const scenario = parseScenario(SCENARIO, 't.yaml', forwarderKinds);
    const left = async (limit: number | null) =>
      (await unavailableIn(scenario, forwarderKinds, limit)).map(
        ({ forwarder, cell, reason }) => `${forwarder} ${cell ?? ''}: ${reason}`,
      );
    assert.deepEqual(await left(null), []);
    assert.deepEqual(await left(2064), []);
    assert.deepEqual(await left(2063), [
      "copy t/connections=1000: 1000 connections need 2064 open files in the forwarder's process, " +
        "and the hard limit is 2063 (ulimit -Hn): raise it, or share them among more of the forwarder's threads",
    ]);
    assert.equal((await left(1063)).length, 2, 'direct too');
  });

  it('are shared by threads, of which one may get more than its share', () => {
    const lacks = (connections: number, limit: number, threads: number, kind = 'copy') => {
      const found = forwarderKinds.get(kind);
      assert.ok(found);
      const scenario = parseScenario(
        `name: t\nworkload: { connections: ${connections} }\nforwarders: [copy]\n`,
        't.yaml',
        forwarderKinds,
      );
      const [cell] = scenario.cells;
      assert.ok(cell);
      return lacksDescriptors(cell.workload, found, limit, threads);
    };
    // 5000 + 6 * sqrt(5000) of both ends, and the reserve.
    assert.equal(lacks(10_000, 10_914, 2), null);
    assert.match(
      lacks(10_000, 10_913, 2) ?? '',
      /need 10914 open files in a thread of the forwarder/,
    );
    assert.match(
      lacks(10_000, 20_063, 1) ?? '',
      /need 20064 open files in the forwarder's process/,
    );
    assert.match(
      lacks(10_000, 10_063, 16) ?? '',
      /10064 open files in each endpoint's process.*: raise it$/,
    );
    assert.equal(lacks(1, 66, 64), null, 'no more than there are');
  });
});
