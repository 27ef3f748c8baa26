import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outcomesOfHttp, noConnections } from '../../src/data/integrity/connection-outcomes.js';
import {
  differingBody,
  type HttpCounts,
  httpTotals,
  judgeHttp,
} from '../../src/data/integrity/http.js';
import { BODIES, httpBodies } from '../../src/machine/role/http-bodies.js';

const FINE: HttpCounts = {
  completed: 100,
  verified: 5000,
  wrong: 0,
  cut: 0,
  timeouts: 0,
  errors: 0,
  lastError: null,
  badStatus: 0,
};

describe('judgeHttp', () => {
  it('calls intact only what was compared', () => {
    assert.equal(judgeHttp(FINE, 'full').outcome, 'intact');
    assert.equal(judgeHttp(FINE, 'none').outcome, 'unchecked');
  });

  it('names what went wrong, wrong bytes before everything', () => {
    const outcome = (change: Partial<HttpCounts>) =>
      judgeHttp({ ...FINE, ...change }, 'full').outcome;
    assert.equal(outcome({ wrong: 1, cut: 1, timeouts: 1, errors: 1 }), 'corrupt');
    assert.equal(outcome({ cut: 1, errors: 1 }), 'truncated');
    assert.equal(outcome({ timeouts: 1, errors: 1 }), 'stalled');
    assert.equal(outcome({ errors: 1, lastError: 'ECONNRESET' }), 'reset');
    assert.equal(outcome({ badStatus: 1 }), 'failed');
    assert.equal(outcome({ completed: 0 }), 'failed');
    assert.match(judgeHttp({ ...FINE, errors: 1, lastError: 'X' }, 'full').reason ?? '', /X/);
  });
});

describe('outcomesOfHttp', () => {
  it('counts each connection once, a fault on each as far as there are connections', () => {
    assert.deepEqual(outcomesOfHttp(FINE, 4, 'intact'), { ...noConnections(), intact: 4 });
    const bad = { ...FINE, wrong: 1, cut: 2 };
    const expected = { ...noConnections(), corrupt: 1, truncated: 2, intact: 1 };
    assert.deepEqual(outcomesOfHttp(bad, 4, 'corrupt'), expected);
    assert.deepEqual(outcomesOfHttp({ ...FINE, wrong: 50, errors: 3 }, 4, 'corrupt'), {
      ...noConnections(),
      corrupt: 4,
    });
    const silent = { ...FINE, completed: 0 };
    assert.equal(outcomesOfHttp(silent, 2, 'failed').failed, 1);
  });
});

describe('bodies', () => {
  it('are a function of the seed, all different, and plain ASCII', () => {
    for (const size of [1, 3, 4, 64, 100_000]) {
      const bodies = httpBodies('7', size);
      assert.equal(bodies.length, BODIES);
      assert.ok(bodies.every((body) => body.length === size && /^[A-Za-z0-9+/]*$/.test(body)));
      assert.deepEqual(bodies, httpBodies('7', size));
    }
    assert.equal(new Set(httpBodies('7', 64)).size, BODIES);
    assert.notEqual(httpBodies('7', 64)[0], httpBodies('8', 64)[0]);
  });
});

describe('differingBody', () => {
  const bodies = httpBodies('1', 1000);
  const body = bodies[3] ?? '';

  it("tells another request's body, a changed, a shorter and a longer one", () => {
    const foreign = differingBody(3, body, bodies[5] ?? '', bodies);
    assert.equal(foreign.class, 'foreign');
    assert.equal(foreign.origin_connection, 5);
    const changed = differingBody(3, body, `${body.slice(0, 100)}....${body.slice(104)}`, bodies);
    assert.deepEqual([changed.class, changed.offset, changed.length], ['unknown', 100, 4]);
    assert.equal(changed.received_hex.slice(0, 8), '2e2e2e2e');
    assert.ok(changed.expected_hex.length <= 512);
    const shorter = differingBody(3, body, body.slice(0, 900), bodies);
    assert.deepEqual([shorter.class, shorter.offset, shorter.length], ['missing', 900, 100]);
    const longer = differingBody(3, body, `${body}xyz`, bodies);
    assert.deepEqual([longer.class, longer.offset, longer.length], ['inserted', 1000, 3]);
    const totals = httpTotals({ ...FINE, wrong: 4 }, [foreign, changed, shorter, longer]);
    assert.equal(totals.incidents, 4);
    assert.deepEqual([totals.missing, totals.extra], [100, 3]);
    assert.ok(totals.corrupted > 4);
  });
});
