import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PLAIN_STREAM } from '../../src/experiment/workload/schema.js';
import type { StreamWorkload } from '../../src/data/record/plan.js';
import { endpointOptions, isNear, type Side } from '../../src/experiment/measure/endpoints.js';

function optionsOf(side: Side, workload: Partial<StreamWorkload>, near: boolean) {
  return endpointOptions(side, {
    workload: { ...PLAIN_STREAM, ...workload },
    near,
    seed: '1',
    earlierSeeds: [],
    cpus: [],
    address: { host: '127.0.0.1', port: 0 },
    firstConnection: 0,
  });
}

describe('how an endpoint sends and receives', () => {
  const modes = (workload: Partial<StreamWorkload>) => {
    const { send } = optionsOf('upstream', workload, true);
    return [send, optionsOf('downstream', workload, true).receive];
  };

  it('is by reference and in the kernel, through buffers, or with every byte compared', () => {
    assert.deepEqual(modes({ check: 'none', payload: 'prepared' }), ['prepared', 'discard']);
    assert.deepEqual(modes({ check: 'none', payload: 'copied' }), ['buffer', 'buffer']);
    assert.deepEqual(modes({ check: 'full' }), ['content', 'check']);
  });

  it('is by plain sends where the size of messages is the question', () => {
    const message = 64;
    assert.deepEqual(modes({ check: 'none', payload: 'prepared', message }), ['buffer', 'discard']);
    assert.deepEqual(modes({ check: 'none', payload: 'copied', message }), ['buffer', 'buffer']);
  });
});

describe('the send buffer of an endpoint', () => {
  it('is bounded at the end that sends, where all parts share a machine', () => {
    assert.equal(optionsOf('upstream', {}, true).sendBuffer, 524_288);
    assert.equal(optionsOf('downstream', {}, true).sendBuffer, undefined);
    assert.equal(optionsOf('downstream', { direction: 'upload' }, true).sendBuffer, 524_288);
    assert.equal(optionsOf('downstream', { direction: 'both' }, true).sendBuffer, 524_288);
  });

  it('is left to the kernel across a network, whose delay it has to cover', () => {
    assert.equal(optionsOf('upstream', {}, false).sendBuffer, undefined);
  });

  it('is what the scenario says, at both ends', () => {
    for (const near of [true, false]) {
      assert.equal(optionsOf('upstream', { sndbuf: 4096 }, near).sendBuffer, 4096);
      assert.equal(optionsOf('downstream', { sndbuf: 4096 }, near).sendBuffer, 4096);
    }
  });

  it('knows which topologies share a machine', () => {
    const kinds = ['loopback', 'veth', 'hosts', 'nic'] as const;
    assert.deepEqual(
      kinds.filter((kind) => isNear({ kind })),
      ['loopback', 'veth'],
    );
  });
});
