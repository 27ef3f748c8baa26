/** Forwarders while nothing moves: what is looked at, what is held against them, and what is not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RestRecord } from '../../src/data/record/rest-record.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import type { ForwarderUnderTest } from '../../src/experiment/measure/forwarder-under-test.js';
import { heldBeyond, RestWatch } from '../../src/experiment/measure/rest.js';
import { restFaults, restNotes } from '../../src/experiment/verdict/verdict-rest.js';
import { type Holdings, holdingsOf } from '../../src/machine/role/holdings.js';
import { RoleError } from '../../src/machine/role/client.js';
import { COPY, fakeSource } from './report-fixture.js';

const START: Holdings = { descriptors: 20, pipes: 4, allSockets: 2, unreadable: 0, sockets: {} };

function holding(change: Partial<Holdings>): Holdings {
  return { ...START, ...change };
}

/** Uses so much of a CPU, and holds one after the other of these; the last one for good. */
function fake(
  cpu: (look: number) => number,
  held: readonly Holdings[],
  start: Holdings | null = START,
  ready: (look: number) => boolean = () => false,
) {
  const last = { timeNs: 0, cpuNs: 0 };
  let looks = 0;
  let asked = 0;
  const forwarder = {
    cost: () => {
      last.timeNs += 1e8;
      last.cpuNs += cpu(looks++) * 1e8;
      return Promise.resolve({ ...last, syscalls: 0, contextSwitches: 0, calls: null });
    },
    ready: () => Promise.resolve(ready(looks - 1)),
    heldAtStart: () => start,
    holdings: () => Promise.resolve(held[Math.min(asked++, held.length - 1)] ?? START),
  };
  return {
    forwarder: forwarder as unknown as ForwarderUnderTest,
    looks: () => looks,
    asked: () => asked,
  };
}

async function watched(forwarder: ForwarderUnderTest, orderly = true): Promise<RestRecord | null> {
  const rest = new RestWatch(forwarder);
  await rest.idle();
  await rest.drained(orderly, 1);
  return rest.told();
}

const FINE: RestRecord = {
  idle_cpu_share: 0,
  drained_cpu_share: 0,
  held: { descriptors: 0, pipes: 0, sockets: 0, states: {} },
  unavailable: {},
};

describe('a forwarder at rest', () => {
  it('is looked at once where it waits', async () => {
    const { forwarder, looks } = fake(() => 0, [START]);
    assert.deepEqual(await watched(forwarder), FINE);
    assert.equal(looks(), 4);
  });

  it('may finish what it was doing, and is told from one that goes on', async () => {
    const { forwarder } = fake((look) => (look < 3 ? 1 : 0), [START]);
    assert.equal((await watched(forwarder))?.idle_cpu_share, 0);
    const spinning = await watched(fake(() => 0.97, [START]).forwarder);
    assert.equal(spinning?.idle_cpu_share, 0.97);
    assert.equal(spinning.drained_cpu_share, 0.97);
  });

  it('is not taken to be at rest while it is ready to run and others have its CPU', async () => {
    const starved = (look: number) => look < 3;
    const spins = fake((look) => (starved(look) ? 0 : 0.97), [START], START, starved);
    assert.equal((await watched(spins.forwarder))?.idle_cpu_share, 0.97);
    const wakes = fake(() => 0, [START], START, starved);
    assert.equal((await watched(wakes.forwarder))?.idle_cpu_share, 0);
  });

  it('has a moment to let go, and is told from one that keeps', async () => {
    const open = holding({ descriptors: 22, allSockets: 4, sockets: { 'CLOSE-WAIT': 2 } });
    assert.deepEqual(
      (await watched(fake(() => 0, [open, open, START]).forwarder))?.held,
      FINE.held,
    );
    const kept = await watched(fake(() => 0, [open]).forwarder);
    assert.deepEqual(kept?.held, {
      descriptors: 2,
      pipes: 0,
      sockets: 2,
      states: { 'CLOSE-WAIT': 2 },
    });
  });

  it('is not waited for where it keeps what it may keep for the next connection', async () => {
    const spare = holding({ descriptors: 23, pipes: 6, allSockets: 3 });
    const { forwarder, asked } = fake(() => 0, [spare]);
    assert.deepEqual((await watched(forwarder))?.held, {
      ...{ descriptors: 3, pipes: 2, sockets: 1 },
      states: {},
    });
    assert.equal(asked(), 1);
  });

  it('says why it knows nothing, and nothing where there is no forwarder', async () => {
    assert.equal(await watched(fake(() => 0, [START], null).forwarder), null);
    const early = await watched(fake(() => 0, [START]).forwarder, false);
    assert.match(early?.unavailable.held ?? '', /not every stream came to its end/);
    assert.equal(early?.held, null);
    const closed = await watched(fake(() => 0, [holding({ unreadable: 1 })]).forwarder);
    assert.match(closed?.unavailable.held ?? '', /do not let themselves be looked at/);
    const { forwarder } = fake(() => 0, [START]);
    forwarder.cost = () => Promise.reject(new RoleError('gone'));
    assert.match((await watched(forwarder))?.unavailable.idle_cpu_share ?? '', /had ended/);
  });

  it('counts what there is more of, by state', () => {
    const before = holding({ sockets: { ESTAB: 1 } });
    const after = holding({ descriptors: 19, pipes: 6, sockets: { ESTAB: 2, 'FIN-WAIT-2': 1 } });
    assert.deepEqual(heldBeyond(before, after), {
      descriptors: -1,
      pipes: 2,
      sockets: 0,
      states: { ESTAB: 1, 'FIN-WAIT-2': 1 },
    });
  });
});

describe('what processes hold', () => {
  it('is read of this one, and of one that is gone it is nothing', () => {
    const own = holdingsOf([process.pid]);
    assert.ok(own.descriptors >= 3);
    assert.equal(own.unreadable, 0);
    assert.equal(holdingsOf([2 ** 22 + 1]).descriptors, 0);
  });
});

describe('the verdict on a forwarder at rest', () => {
  const kinds = (change: Partial<RestRecord>, connections = 1) =>
    restFaults({ ...FINE, ...change }, connections).map(({ kind }) => kind);
  const held = (change: Partial<NonNullable<RestRecord['held']>>) => ({
    held: { descriptors: 0, pipes: 0, sockets: 0, states: {}, ...change },
  });

  it('passes one that waits, keeps its pipes and opens something once', () => {
    assert.deepEqual(kinds({ idle_cpu_share: 0.02, drained_cpu_share: 0.01 }), []);
    assert.deepEqual(kinds(held({ descriptors: 6, pipes: 4 })), []);
    assert.deepEqual(kinds(held({ descriptors: -3, sockets: -1 })), []);
    assert.deepEqual(kinds(held({ descriptors: 1, sockets: 1 })), []);
    assert.deepEqual(kinds({ idle_cpu_share: null, drained_cpu_share: null, held: null }), []);
  });

  it('finds one that spins, one that keeps sockets, one that loses descriptors', () => {
    assert.deepEqual(kinds({ idle_cpu_share: 0.9, drained_cpu_share: 0.8 }), ['idle', 'drained']);
    assert.deepEqual(kinds(held({ descriptors: 50, sockets: 50 }), 50), ['descriptors']);
    assert.deepEqual(kinds(held({ states: { ESTAB: 1 } })), ['sockets']);
    assert.deepEqual(kinds(held({ descriptors: 100 }), 100), ['descriptors']);
    assert.deepEqual(kinds(held({ descriptors: 100, pipes: 100 }), 1), ['descriptors']);
  });

  it('is a sentence per forwarder and fault', () => {
    const rest = { ...FINE, ...held({ descriptors: 2, sockets: 2, states: { 'CLOSE-WAIT': 2 } }) };
    const { trials } = fakeSource({ forwarders: [COPY], checks: ['full'], blocks: 3 });
    const own = trials.map((trial, index): TrialRecord => ({
      ...trial,
      rest: index === 0 ? FINE : rest,
    }));
    assert.deepEqual(restNotes(own), [
      'copy still held 2 sockets two seconds after all connections had ended: 2 in CLOSE-WAIT (2 of 3 trials).',
    ]);
    assert.deepEqual(restNotes(trials), []);
  });
});
