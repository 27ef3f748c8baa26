import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { zeroCopyShare } from '../../src/data/record/zero-copy.js';

describe('zeroCopyShare', () => {
  it('is the share that was not copied', () => {
    assert.equal(zeroCopyShare({ zerocopy_sends: 8, zerocopy_copied: 2 }), 0.75);
    assert.equal(zeroCopyShare({ zerocopy_sends: 8, zerocopy_copied: 8 }), 0);
  });

  it('is unavailable where nothing was sent so, or nobody counted', () => {
    assert.equal(zeroCopyShare({ zerocopy_sends: 0, zerocopy_copied: 0 }), null);
    assert.equal(zeroCopyShare({ pipe_bytes: 65_536 }), null);
  });
});
