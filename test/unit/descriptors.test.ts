import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forwarderKinds } from '../../src/forwarders/registry.js';
import { parseScenario } from '../../src/scenario/load.js';
import { unavailableIn } from '../../src/trial/availability.js';
import { descriptorLimit } from '../../src/host/descriptor-limit.js';

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
        'and the hard limit is 2063 (ulimit -Hn)',
    ]);
    assert.equal((await left(1063)).length, 2, 'direct too');
  });
});
