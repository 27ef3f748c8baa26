import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { memoryOf } from '../../src/machine/role/tree-memory.js';
import { scratch } from '../support/folder.js';

describe('memoryOf', () => {
  it('sums shares, takes resident pages where there are none, and leaves out who is gone', (t) => {
    const proc = scratch(t);
    for (const pid of ['1', '2', '3']) mkdirSync(join(proc, pid));
    writeFileSync(
      join(proc, '1', 'smaps_rollup'),
      'Rss:    90 kB\nPss:      30 kB\nPss_Anon: 5 kB\n',
    );
    writeFileSync(join(proc, '1', 'status'), 'VmRSS:\t 90 kB\n');
    writeFileSync(join(proc, '2', 'status'), 'VmHWM:\t 99 kB\nVmRSS:\t   12 kB\n');
    writeFileSync(join(proc, '3', 'status'), 'State:\tZ (zombie)\n');
    assert.equal(memoryOf([1, 2, 3, 4], proc), 42 * 1024);
  });

  it('is unknown, not nothing, where nothing can be read', (t) => {
    assert.equal(memoryOf([1], scratch(t)), null);
    assert.equal(memoryOf([]), null);
  });

  it('knows this process', () => {
    assert.ok((memoryOf([process.pid]) ?? 0) > 1024 * 1024);
  });
});
