/** A forwarder stalls by what was seen of it, not because whoever looks was not running. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StallClock } from '../../src/base/process/stall-clock.js';

const LIMIT = 2000;
const INTERVAL = 20;

/** Looks one after another; answers with the time of the one that called it stalled, or null. */
function stalledAt(looks: { at: number; progress: number; cpuNs: number }[]): number | null {
  const clock = new StallClock(LIMIT, INTERVAL, { now: 0, progress: 0, cpuNs: 0 });
  const found = looks.find(({ at, progress, cpuNs }) =>
    clock.stalled({ now: at, progress, cpuNs }),
  );
  return found?.at ?? null;
}

/** So many looks, `gap` apart, with nothing moving; the loop wakes every `wakes` ms, 0 = never. */
function standstill(count: number, gap: number, wakes: number) {
  return Array.from({ length: count }, (_, index) => {
    const at = (index + 1) * gap;
    return { at, progress: 0, cpuNs: wakes === 0 ? 0 : Math.floor(at / wakes) * 1000 };
  });
}

describe('the stall clock', () => {
  it('calls a standstill that was watched all along stalled, soon after the limit', () => {
    const at = stalledAt(standstill(200, INTERVAL, 100)) ?? 0;
    assert.ok(at > LIMIT && at <= LIMIT + 120, String(at));
  });

  it('does not when the process that looks was not running', () => {
    const starved = [
      { at: 20, progress: 0, cpuNs: 1 },
      { at: 5000, progress: 0, cpuNs: 2 },
      { at: 5020, progress: 1, cpuNs: 3 },
    ];
    assert.equal(stalledAt(starved), null);
  });

  it('does not when each look comes late, until there were enough of them', () => {
    assert.equal(stalledAt(standstill(10, 500, 100)), null);
    assert.equal(stalledAt(standstill(100, 300, 100)), 51 * 300);
  });

  it('does not when the loop was not running while the looks came in time', () => {
    const looks = standstill(200, INTERVAL, 0);
    const last = { at: 201 * INTERVAL, progress: 0, cpuNs: 1 };
    assert.equal(stalledAt([...looks, last]), null);
  });

  it('starts again with any progress', () => {
    const looks = standstill(400, INTERVAL, 100).map((look) => ({
      ...look,
      progress: Math.floor(look.at / 1900),
    }));
    assert.equal(stalledAt(looks), null);
  });

  it('does not wait for ever for a loop that never runs again', () => {
    const at = stalledAt(standstill(2000, INTERVAL, 0));
    assert.equal(at, 10 * LIMIT + INTERVAL);
  });
});
