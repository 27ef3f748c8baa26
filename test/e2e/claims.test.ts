/** `splicebench claims`: judged from fresh and stored runs, exit codes, and the emulation of 2008. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { findController } from '../../src/base/process/control-group.js';
import { BudgetUnavailable, CpuBudget } from '../../src/machine/host/cpu-budget.js';
import { scratch, writeScenario } from '../support/folder.js';
import { assertNothingLeft } from '../support/leaks.js';
import { cli, splicebench, start } from '../support/process.js';
import { requireRoot } from '../support/require-tool.js';

/** A stored run in which the forwarder that must block, according to the claim, does not. */
async function runWithoutStall(t: TestContext): Promise<string> {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    name: 'claims-block',
    workload: { seconds: '100ms', warmup: 0 },
    forwarders: ['poc', { use: 'poc', name: 'poc-blocks' }],
    baseline: 'poc',
    blocks: { min: 2, max: 2 },
  });
  const out = join(folder, 'run');
  const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
  assert.equal(code, 0, stderr);
  return out;
}

describe('claims', () => {
  it('judges from a fresh run, and writes table and chart', async (t) => {
    const out = join(scratch(t), 'claims');
    const ids = ['2008-nonblock', 'haproxy-2020-100gbe'];
    const args = ['claims', ...ids, '--quick', '--check', '--out', out];
    const { code, stdout, stderr } = await cli(t, args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /2008-nonblock[\s\S]*supported/);
    const csv = readFileSync(join(out, 'claims.csv'), 'utf8').split('\n');
    assert.ok(csv.some((line) => line.startsWith('2008-nonblock,') && line.includes('supported')));
    assert.ok(csv.some((line) => /^haproxy-2020-100gbe,.*cannot be tested here/.test(line)));
    assert.ok(existsSync(join(out, 'claims.md')));
  });

  it('--check ends with 4 when a claim comes out otherwise than it should', async (t) => {
    const run = await runWithoutStall(t);
    const args = ['claims', '2008-nonblock', '--in', run];
    const judged = await cli(t, args);
    assert.equal(judged.code, 0, judged.stderr);
    const checked = await cli(t, [...args, '--check']);
    assert.equal(checked.code, 4, checked.stderr);
    assert.match(checked.stderr, /2008-nonblock: expected supported, found not reproduced/);
  });

  it('names the nearest of an unknown claim, and refuses ids beside --emulate-2008', async (t) => {
    const unknown = await cli(t, ['claims', '2008-ration']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /unknown claim '2008-ration'.*2008-ratio/);
    const both = await cli(t, ['claims', '2008-ratio', '--emulate-2008']);
    assert.equal(both.code, 2, both.stderr);
  });

  it('refuses options that would have no effect, in one line', async (t) => {
    const file = writeScenario(scratch(t), { topology: { kind: 'veth' } });
    for (const [args, message] of [
      [['--emulate-2008', '--check'], /--emulate-2008 .*leave out --check$/],
      [['--emulate-2008', '--in', 'x', '--list'], /leave out --in and --list$/],
      [['--emulate-2008', '--topology', file, '--dry-run'], /leave out --topology$/],
      [['--topology', file, '--in', 'x'], /nothing is run with --in/],
      [['--topology', file, '--list'], /nothing is run with --list/],
      [['2008-nonblock', '--topology', file], /none of these claims is about network cards/],
      [['haproxy-2020-100gbe', '--topology', file], /none of these claims is about network cards/],
      [
        ['2008-ratio', '--topology', '/nowhere.yaml'],
        /nowhere\.yaml: cannot be read: no such file/,
      ],
    ] as const) {
      const { code, stderr } = await cli(t, ['claims', ...args]);
      assert.equal(code, 2, stderr);
      assert.match(stderr.trim(), message);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
  });

  it('--emulate-2008 --dry-run shows the plan and measures nothing', async (t) => {
    const { code, stdout, stderr } = await cli(t, ['claims', '--emulate-2008', '--dry-run']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /topology +veth.*10Gbps/);
    assert.match(stdout, /search +at most 8 trials of copying/);
    assert.match(stdout, /budgets +50 %, 75 %, 100 %, 150 %, 200 % of the one found/);
    assert.match(stdout, /blocks +6 of/);
    assert.equal(stderr, '', 'no trial has told its speed');
  });

  it('--topology is for what is claimed of network cards', async (t) => {
    const file = writeScenario(scratch(t), { topology: { kind: 'veth', mtu: 9000 } });
    const ids = ['2008-ratio', '2008-nonblock'];
    const args = ['claims', ...ids, '--topology', file, '--dry-run'];
    const { code, stdout, stderr } = await cli(t, args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^claims-speed: .*\n +topology +veth, MTU 9000/m);
    assert.match(stdout, /^claims-block: .*\n +topology +loopback$/m);
  });
});

/** Why no budget can be given here. */
function noBudget(): string | false {
  const { skip } = requireRoot();
  if (skip !== false) return skip;
  try {
    void CpuBudget.make().end();
    return false;
  } catch (error) {
    if (!(error instanceof BudgetUnavailable)) throw error;
    if (process.env['REQUIRE_ALL'] === '1') throw error;
    return error.message;
  }
}

function groups(): string[] {
  const read = (file: string) => readFileSync(`/proc/self/${file}`, 'utf8');
  const controller = findController('cpu', read('mounts'), read('cgroup'));
  if (controller === null) return [];
  return readdirSync(controller.folder).filter((name) => name.startsWith('splicebench-cpu-'));
}

describe('claims --emulate-2008', { skip: noBudget() }, () => {
  it('finds a budget, says that it is emulated, and leaves no group', async (t) => {
    const out = join(scratch(t), 'claims');
    const running = start(t, splicebench('claims', '--emulate-2008', '--quick', '--out', out));
    const pid = running.pid;
    const { code, stdout, stderr } = await running.ended;
    // A machine that is too slow or too fast says so, with exit code 1.
    const found = !stdout.includes('Unavailable: ');
    assert.equal(code, found ? 0 : 1, stderr);
    assert.match(stdout, /^Emulated: /m);
    if (found) assert.match(stdout, /copying forwards .* splicing forwards/s);
    const stored = JSON.parse(readFileSync(join(out, 'emulate-2008.json'), 'utf8')) as object;
    assert.equal('emulated' in stored && stored.emulated, true);
    assert.ok(!groups().some((name) => name.includes(`-${pid}-`)));
  });

  it('killed: the next one removes its group', async (t) => {
    const running = start(t, splicebench('claims', '--emulate-2008', '--quick'));
    const pid = running.pid;
    const ours = () => groups().filter((name) => name.includes(`-${pid}-`));
    await running.until('a group', () => ours().length === 1);
    await running.until('a trial', () => running.stderr.includes('copy'));
    running.kill('SIGKILL');
    await running.ended;
    await assertNothingLeft(running.mark, new Set());
    assert.equal(ours().length, 1, 'nobody was there to remove it');
    await CpuBudget.make().end();
    assert.deepEqual(ours(), []);
  });
});
