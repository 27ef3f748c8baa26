/** Control groups for memory, on folders that look like the kernel's: version 2 needs no such kernel. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { findController } from '../../src/base/process/control-group.js';
import { memoryLacking, MemoryGroup } from '../../src/base/process/memory-group.js';

const V1 = 'cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n';
const V2 = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n';

describe('the memory controller', () => {
  it('is found in version 1 below our own group, and in version 2 at the top', () => {
    assert.deepEqual(findController('memory', `${V2}${V1}`, '4:memory:/user\n0::/x\n'), {
      version: 1,
      folder: '/sys/fs/cgroup/memory/user',
    });
    assert.deepEqual(findController('memory', V2, '0::/user.slice\n'), {
      version: 2,
      folder: '/sys/fs/cgroup',
    });
    assert.equal(findController('memory', 'proc /proc proc rw 0 0\n', '0::/\n'), null);
  });
});

describe('a control group for memory', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'splicebench-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('is lacking with a reason where there is none, or it is not enabled', () => {
    assert.match(memoryLacking(null) ?? '', /no cgroup file system/);
    const absent = join(folder, 'absent');
    assert.match(memoryLacking({ version: 1, folder: absent }) ?? '', /absent is not visible here/);
    assert.match(memoryLacking({ version: 1, folder }) ?? '', /memory\.kmem\.tcp\.limit_in_bytes/);
    assert.match(
      memoryLacking({ version: 2, folder }) ?? '',
      /memory in .*cgroup\.subtree_control/,
    );
    writeFileSync(join(folder, 'cgroup.subtree_control'), 'cpu io\n');
    assert.match(memoryLacking({ version: 2, folder }) ?? '', /needs memory in/);
    writeFileSync(join(folder, 'cgroup.subtree_control'), 'cpu memory\n');
    assert.equal(memoryLacking({ version: 2, folder }), null);
  });

  it('of version 2 limits what the forwarder takes once it is up plus the limit', async () => {
    const group = await MemoryGroup.make({ version: 2, folder }, 262_144);
    const of = (name: string) => readFileSync(join(group.path, name), 'utf8').trim();
    const set = (name: string, text: string) => {
      writeFileSync(join(group.path, name), text);
    };
    assert.equal(of('memory.swap.max'), '0');
    const [program = '', ...args] = group.prefix;
    const pid = execFileSync(program, [...args, 'sh', '-c', 'echo $$'], { encoding: 'utf8' });
    assert.equal(of('cgroup.procs'), pid.trim());
    // Without a reading the limit would be anything.
    assert.throws(() => {
      group.tighten();
    }, /memory\.current cannot be read/);
    set('memory.current', '50000000\n');
    set('memory.stat', 'anon 5\nsock 4096\nsocket 9\n');
    group.tighten();
    assert.equal(of('memory.max'), '50262144');
    set('memory.stat', 'anon 5\nsock 270336\n');
    assert.deepEqual(group.detail(), { socket_memory_peak: 270_336 });
    set('memory.stat', 'anon 5\nsock 0\n');
    set('memory.peak', '50262144\n');
    set('memory.events', 'max 7\noom 1\noom_kill 1\n');
    assert.deepEqual(group.detail(), {
      socket_memory_peak: 270_336,
      memory_peak: 50_262_144,
      memory_kills: 1,
    });
    for (const name of readdirSync(group.path)) rmSync(join(group.path, name));
    await group.remove();
    assert.equal(existsSync(group.path), false);
  });

  it('of version 1 limits the sockets alone, from the start', async () => {
    const group = await MemoryGroup.make({ version: 1, folder }, 262_144);
    const limit = join(group.path, 'memory.kmem.tcp.limit_in_bytes');
    assert.equal(readFileSync(limit, 'utf8').trim(), '262144');
    group.tighten();
    assert.deepEqual(group.detail(), {});
    writeFileSync(join(group.path, 'memory.kmem.tcp.max_usage_in_bytes'), '300000\n');
    assert.deepEqual(group.detail(), { socket_memory_peak: 300_000 });
    for (const name of readdirSync(group.path)) rmSync(join(group.path, name));
    await group.remove();
    assert.equal(existsSync(group.path), false);
  });

  it('that cannot be made says what the kernel said', async () => {
    const making = MemoryGroup.make({ version: 2, folder: join(folder, 'in') }, 1);
    await assert.rejects(making, /no control group for memory: mkdir/);
  });
});
