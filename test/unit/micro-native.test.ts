import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { native } from '../../src/data/native/native.js';

describe('native loops of the micro benchmark', () => {
  const { micro, engines } = native();

  it('fills and matches with every engine, and refuses one that this CPU lacks', () => {
    const memory = new micro.Memory(4096 + 13);
    assert.ok(memory.copy(2) > 0);
    for (const engine of engines) {
      assert.ok(memory.fill(engine, 2) > 0, engine);
      assert.ok(memory.match(engine, 2) > 0, engine);
    }
    assert.throws(() => memory.fill('abacus', 1), /no stamp engine 'abacus'/);
  });

  for (const kind of ['splice', 'copy'] as const) {
    it(`moves every byte of every piece by ${kind}`, () => {
      for (const size of [1, 64, 4096, 2 ** 20]) {
        const iterations = size === 2 ** 20 ? 3 : 20;
        const { ns, bytes, pairs } = new micro.Pair(kind, size).run(iterations);
        assert.equal(bytes, size * iterations, `${size}`);
        assert.ok(pairs >= iterations && ns > 0, `${size}: ${pairs} pairs, ${ns} ns`);
      }
    });
  }

  it('makes the calls it is asked for, in every kind of book-keeping', () => {
    const calls = new micro.Calls();
    for (const book of ['none', 'counted', 'recorded'] as const) {
      assert.ok(calls.run(book, 1000) > 0, book);
    }
  });
});
