/** Whoever waits for a process gives up on one that does nothing, not on one that lacks CPU. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { cpuOfTree, idleFor } from '../../src/base/process/idle-for.js';

const LIMIT = 100;
const never = new AbortController().signal;

describe('idleFor', () => {
  it('is over when nothing happens for the limit', async () => {
    await idleFor(LIMIT, () => 0, never);
  });

  it('is not over while the process works', async () => {
    let looks = 0;
    const working = 8;
    await idleFor(LIMIT, () => Math.min(working, looks++), never);
    assert.ok(looks > working, `gave up after ${looks} looks`);
  });

  it('is over in the end, also for one that works for ever', async () => {
    let looks = 0;
    await idleFor(LIMIT, () => looks++, never);
    assert.ok(looks > 2);
  });

  it('never resolves once nobody waits any more', async () => {
    const ended = new AbortController();
    const over = idleFor(LIMIT, () => 0, ended.signal).then(() => 'over');
    ended.abort();
    const other = new Promise((resolve) => setTimeout(resolve, 3 * LIMIT, 'later'));
    assert.equal(await Promise.race([over, other]), 'later');
  });

  it('sees the CPU time of a real process, and none of one that is gone', async () => {
    const child = spawn(process.execPath, ['-e', 'for(;;);'], { stdio: 'ignore' });
    const cpu = cpuOfTree(child.pid);
    const before = cpu();
    while (cpu() <= before) await new Promise((resolve) => setTimeout(resolve, 10));
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    assert.equal(cpu(), 0);
    assert.equal(cpuOfTree(undefined)(), 0);
  });
});
