import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findController } from '../../src/base/process/control-group.js';
import { BudgetUnavailable, CpuBudget } from '../../src/machine/host/cpu-budget.js';
import { localHost } from '../../src/machine/host/host.js';

const V1 = 'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0\n';
const V2 = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n';

describe('the cpu controller', () => {
  it('is found in version 1 below our own group, and in version 2 at the top', () => {
    assert.deepEqual(findController('cpu', `${V2}${V1}`, '4:cpu,cpuacct:/user\n0::/x\n'), {
      version: 1,
      folder: '/sys/fs/cgroup/cpu,cpuacct/user',
    });
    assert.deepEqual(findController('cpu', V2, '0::/user.slice\n'), {
      version: 2,
      folder: '/sys/fs/cgroup',
    });
    const acct = 'cgroup /sys/fs/cgroup/cpuacct cgroup rw,cpuacct 0 0\n';
    assert.equal(findController('cpu', acct, ''), null);
  });
});

describe('a CPU budget', () => {
  it('is unavailable where groups have no quota, and leaves nothing; orphans are removed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'splicebench-test-'));
    try {
      mkdirSync(join(folder, 'splicebench-cpu-999999999-1'));
      mkdirSync(join(folder, `splicebench-cpu-${process.pid}-1`));
      mkdirSync(join(folder, 'splicebench-cpu-somebody'));
      assert.throws(() => CpuBudget.make({ version: 2, folder }), /subtree_control/);
      assert.throws(() => CpuBudget.make({ version: 1, folder }), BudgetUnavailable);
      assert.deepEqual(readdirSync(folder), ['splicebench-cpu-somebody']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is unavailable, with the folder, where our own group is not visible', () => {
    const folder = join(tmpdir(), `splicebench-absent-${process.pid}`, 'group');
    for (const version of [1, 2] as const) {
      const expected = {
        name: 'BudgetUnavailable',
        message: /absent-.*group cannot be read \(ENOENT\)/,
      };
      assert.throws(() => CpuBudget.make({ version, folder }), expected);
    }
  });

  it('holds what is started behind the prefix, and nothing else', async (t) => {
    let budget: CpuBudget;
    try {
      budget = CpuBudget.make();
    } catch (error) {
      if (!(error instanceof BudgetUnavailable) || process.env['REQUIRE_ALL'] === '1') throw error;
      t.skip(error.message);
      return;
    }
    try {
      budget.set(0.25);
      const [program = '', ...args] = budget.confine(localHost()).prefix;
      const inside = execFileSync(program, [...args, 'cat', '/proc/self/cgroup'], {
        encoding: 'utf8',
      });
      assert.match(inside, new RegExp(`splicebench-cpu-${process.pid}-`));
      const outside = execFileSync('cat', ['/proc/self/cgroup'], { encoding: 'utf8' });
      assert.doesNotMatch(outside, /splicebench-cpu/);
    } finally {
      await budget.end();
    }
    const again = CpuBudget.make();
    await again.end();
  });
});
