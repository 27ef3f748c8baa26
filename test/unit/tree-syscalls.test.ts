/** Counting the calls of threads that come and go: counters are stand-ins. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countSyscalls } from '../../src/machine/role/tree-syscalls.js';

/** Counters that count `rate` per look, and a list of those still open. */
function counters(refused: ReadonlySet<number>, rate: number | null = 10) {
  const open = new Set<number>();
  const make = (tid: number) => {
    if (refused.has(tid)) throw new Error('perf_event_open: No such process');
    open.add(tid);
    let looks = 0;
    return {
      count: () => (rate === null ? null : rate * looks++),
      close: () => {
        open.delete(tid);
      },
    };
  };
  return { open, make };
}
const threads = [1, 2, 3].map((tid) => ({ pid: 1, tid }));

describe('countSyscalls', () => {
  it('goes on without a thread that has ended before it was counted', async () => {
    const { open, make } = counters(new Set([2]));
    const { perSecond } = await countSyscalls(threads, 0.01, make, ({ tid }) => tid !== 2);
    assert.ok(perSecond > 0);
    assert.equal(open.size, 0);
  });

  it('fails with the reason when a living thread is refused, and leaves no counter open', async () => {
    const { open, make } = counters(new Set([3]));
    await assert.rejects(
      countSyscalls(threads, 0.01, make, () => true),
      /No such process/,
    );
    assert.equal(open.size, 0);
  });

  it('fails when a count is an estimate, and leaves no counter open', async () => {
    const { open, make } = counters(new Set(), null);
    await assert.rejects(countSyscalls(threads, 0.01, make), /multiplex/);
    assert.equal(open.size, 0);
  });

  it('does not call it zero when nobody is left', async () => {
    const { make } = counters(new Set([1, 2, 3]));
    await assert.rejects(
      countSyscalls(threads, 0.01, make, () => false),
      /no thread/,
    );
  });
});
