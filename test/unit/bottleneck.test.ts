import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BusyParts, findBottleneck } from '../../src/experiment/measure/bottleneck.js';

function found(change: Partial<BusyParts>): string {
  const idle = { forwarder: 0.2, source: 0.2, sink: 0.2, forwarderCpu: 0.3, endpointCpu: 0.4 };
  return findBottleneck({ ...idle, congestion: ['cubic'], link: null, ...change }).bottleneck;
}

describe('findBottleneck', () => {
  it('names the forwarder when its thread or its CPU has nothing left', () => {
    assert.equal(found({ forwarder: 0.97 }), 'forwarder');
    assert.equal(found({ forwarderCpu: 0.99 }), 'forwarder');
  });

  it('names the endpoint that used more when the endpoints are full and the forwarder is not', () => {
    assert.equal(found({ endpointCpu: 1, source: 0.6, sink: 0.3 }), 'source');
    assert.equal(found({ endpointCpu: 1, source: 0.3, sink: 0.6 }), 'sink');
    assert.equal(found({ sink: 0.99 }), 'sink');
  });

  it('names the forwarder when both are full: it cannot go faster either way', () => {
    assert.equal(found({ forwarder: 0.995, endpointCpu: 1 }), 'forwarder');
  });

  it('never names a forwarder that is not there', () => {
    const direct = { forwarder: null, forwarderCpu: null };
    assert.equal(found(direct), 'unknown');
    assert.equal(found({ ...direct, source: 0.98 }), 'source');
  });

  it('pacing only with an algorithm that paces and room on every CPU', () => {
    assert.equal(found({ congestion: ['bbr'] }), 'pacing');
    assert.equal(found({ congestion: ['bbr'], endpointCpu: 0.9 }), 'unknown');
    assert.equal(found({ congestion: ['cubic'] }), 'unknown');
    assert.equal(found({ congestion: [] }), 'unknown');
    assert.equal(found({ congestion: ['bbr'], forwarder: 0.98 }), 'forwarder');
    // Of several hosts one is enough.
    assert.equal(found({ congestion: ['cubic', 'bbr'] }), 'pacing');
  });

  it('pacing when a rate that was set is achieved, however busy the parts are', () => {
    const busy = { forwarder: 0.99, forwarderCpu: 1 };
    const flow = { passed: 0.98e9, rate: 1e9, reader: null };
    assert.equal(found({ ...busy, flow }), 'pacing');
    assert.equal(found({ ...busy, flow: { ...flow, passed: 0.9e9 } }), 'forwarder');
    assert.equal(found({ flow: { passed: 1e8, rate: null, reader: 1e8 } }), 'pacing');
    assert.equal(found({ flow: { passed: 1e8, rate: 1e9, reader: 1e8 } }), 'pacing');
    assert.equal(found({ flow: { passed: 0.5e8, rate: null, reader: 1e8 } }), 'unknown');
  });

  it('names a full link before the parts: nothing gets more through it', () => {
    const full = { share: 0.96, name: '10Gbps' };
    assert.equal(found({ link: full }), 'link');
    assert.equal(found({ link: full, forwarder: 0.99, endpointCpu: 1 }), 'link');
    assert.equal(found({ link: { ...full, share: 0.8 } }), 'unknown');
    assert.equal(found({ link: { ...full, share: 0.8 }, forwarder: 0.99 }), 'forwarder');
  });

  it('says the shares in words, at most 100 %', () => {
    const { reason } = findBottleneck({
      forwarder: 1.02,
      source: 0,
      sink: 0,
      forwarderCpu: null,
      endpointCpu: null,
      congestion: [],
      link: null,
    });
    assert.match(reason, /100 % busy/);
  });
});
