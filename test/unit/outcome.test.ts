import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  failureByDeath,
  judgeTrial,
  type StreamEnd,
  totalsOfStream,
  type TrialEnd,
} from '../../src/data/integrity/outcome.js';
import type { Outcome } from '../../src/data/record/words.js';
import type { ConnectionResult, EndpointResults } from '../../src/data/native/native-surface.js';

function connection(change: Partial<ConnectionResult> = {}): ConnectionResult {
  return {
    connection: 0,
    sent: 0,
    received: 0,
    orderly: true,
    error: null,
    port: 0,
    mss: 0,
    ...change,
  };
}

function results(
  connections: ConnectionResult[],
  totals: Partial<EndpointResults['totals']> = {},
): EndpointResults {
  const none = { verified: 0, corrupted: 0, missing: 0, extra: 0, incidents: 0, byClass: {} };
  return { connections, incidents: [], totals: { ...none, ...totals } };
}

function stream(change: Partial<StreamEnd> = {}): StreamEnd {
  return {
    direction: 'download',
    sent: [[0, 1000]],
    sender: results([connection({ sent: 1000 })]),
    receiver: results([connection({ received: 1000 })]),
    stalled: false,
    ...change,
  };
}

function judge(streams: StreamEnd[], change: Partial<TrialEnd> = {}) {
  return judgeTrial({ check: 'full', connections: 1, streams, ...change });
}

describe('judgeTrial', () => {
  it('intact when checked, unchecked when not: never the other way round', () => {
    assert.deepEqual(judge([stream()]), { outcome: 'intact', reason: null });
    assert.deepEqual(judge([stream()], { check: 'none' }), { outcome: 'unchecked', reason: null });
  });

  it('corrupt comes before everything, and names the classes', () => {
    const receiver = results([connection({ received: 900, orderly: false, error: 'ECONNRESET' })], {
      incidents: 3,
      byClass: { zeros: 2, 'bit-flip': 1 },
    });
    assert.deepEqual(judge([stream({ receiver, stalled: true })]), {
      outcome: 'corrupt',
      reason: 'download: 3 incidents (2 zeros, 1 bit-flip)',
    });
  });

  it('stalled comes before the reset that ended it', () => {
    const receiver = results([connection({ orderly: false, error: 'ECONNRESET' })]);
    const { outcome, reason } = judge([stream({ receiver, stalled: true })]);
    assert.equal(outcome, 'stalled');
    assert.equal(reason, 'download: 1 connection made no progress');
  });

  it('reset at either end', () => {
    const broken = connection({ orderly: false, error: 'ECONNRESET' });
    const ends = { receiver: 'receiving', sender: 'sending' } as const;
    for (const [end, word] of Object.entries(ends)) {
      const { outcome, reason } = judge([stream({ [end]: results([broken]) })]);
      assert.equal(outcome, 'reset');
      assert.match(reason ?? '', new RegExp(`ECONNRESET at the ${word} end`));
    }
  });

  it('truncated and extra by the checker where there is one', () => {
    const cut = results([connection({ received: 900, cut: 100 })]);
    assert.equal(judge([stream({ receiver: cut })]).outcome, 'truncated');
    const extra = results([connection({ received: 1001, beyondEnd: 1 })]);
    assert.equal(judge([stream({ receiver: extra })]).outcome, 'extra');
  });

  it('an early end in good order comes before resets: the receiver was not told', () => {
    const early = connection({ received: 900, cut: 100 });
    const broken = connection({ orderly: false, error: 'ECONNRESET' });
    const other = connection({ connection: 1, orderly: false, error: 'ECONNRESET', cut: 7 });
    for (const [sender, receiver] of [
      [results([broken]), results([early])], // the same connection, reset at its sending end
      [results([connection()]), results([early, other])], // another one
    ] as const) {
      const { outcome, reason } = judge([stream({ sender, receiver })]);
      assert.equal(outcome, 'truncated');
      assert.equal(reason, 'download: the last 100 bytes never arrived');
    }
    const told = results([connection({ ...broken, received: 900, cut: 100 })]);
    assert.equal(judge([stream({ receiver: told })]).outcome, 'reset');
    const unchecked = results([connection({ received: 900, orderly: false, error: 'ECONNRESET' })]);
    assert.equal(judge([stream({ receiver: unchecked })], { check: 'none' }).outcome, 'reset');
  });

  it('an early end says nothing in a stream that stalled and was then ended by us', () => {
    const early = results([connection({ received: 900, cut: 100 })]);
    assert.equal(judge([stream({ receiver: early, stalled: true })]).outcome, 'stalled');
    assert.equal(
      judge([stream({ receiver: early, stalled: true })], { check: 'none' }).outcome,
      'stalled',
    );
    const other = stream({ direction: 'upload', receiver: early });
    assert.equal(judge([stream({ stalled: true }), other]).outcome, 'truncated');
  });

  it('bytes lost and added at the ends count as missing and extra, those of a reset do not', () => {
    const of = (one: Partial<ConnectionResult>, stalled = false) => {
      const receiver = results([connection(one)], { missing: 3, extra: 2 });
      const { missing, extra } = totalsOfStream(stream({ receiver, stalled }));
      return [missing, extra];
    };
    assert.deepEqual(of({}), [3, 2]);
    assert.deepEqual(of({ cut: 100 }), [103, 2]);
    assert.deepEqual(of({ beyondEnd: 10 }), [3, 12]);
    assert.deepEqual(of({ cut: 100, orderly: false, error: 'ECONNRESET' }), [3, 2]);
    assert.deepEqual(of({ cut: 100 }, true), [3, 2]);
  });

  it('truncated and extra by the counts where nothing is checked', () => {
    for (const [received, outcome] of [
      [999, 'truncated'],
      [1000, 'unchecked'],
      [1001, 'extra'],
    ] as const) {
      const receiver = results([connection({ received })]);
      assert.equal(judge([stream({ receiver })], { check: 'none' }).outcome, outcome);
    }
  });

  it('the bytes of one connection on two, or of one that was not opened, are corrupt', () => {
    const sent: [number, number][] = [
      [0, 10],
      [1, 10],
    ];
    const of = (...numbers: number[]) =>
      results(numbers.map((number) => connection({ connection: number, received: 10 })));
    const outcome = (receiver: EndpointResults) =>
      judge([stream({ sent, receiver })], { connections: 2 });
    assert.equal(outcome(of(0, 1)).outcome, 'intact');
    assert.match(outcome(of(1, 1)).reason ?? '', /connection 1 arrived on two/);
    assert.match(outcome(of(0, 7)).reason ?? '', /connection 7 arrived, which was not opened/);
  });

  it('a stream without its end is not intact', () => {
    const open = results([connection({ received: 1000, orderly: false })]);
    assert.deepEqual(judge([stream({ receiver: open })]), {
      outcome: 'failed',
      reason: 'download: 0 of 1 connection ended in order',
    });
    assert.equal(judge([stream({ receiver: results([]) })]).outcome, 'failed');
  });

  it('the worse direction decides, whichever comes first', () => {
    const cut = stream({ receiver: results([connection({ received: 1, cut: 9 })]) });
    const bad = stream({
      direction: 'upload',
      receiver: results([connection()], { incidents: 1 }),
    });
    assert.equal(judge([cut, bad]).outcome, 'corrupt');
    assert.equal(judge([bad, cut]).outcome, 'corrupt');
    assert.equal(judge([stream(), cut]).outcome, 'truncated');
  });
});

describe('a forwarder that died', () => {
  it('is why its stream ended, and no excuse for bytes that are wrong', () => {
    const of = (outcome: Outcome) =>
      failureByDeath({ outcome, reason: null }, 'signal SIGKILL') !== null;
    assert.ok(of('truncated') && of('reset') && of('stalled') && of('failed'));
    assert.ok(!of('corrupt') && !of('extra') && !of('intact') && !of('unchecked'));
    assert.equal(failureByDeath({ outcome: 'truncated', reason: null }, null), null);
  });
});
