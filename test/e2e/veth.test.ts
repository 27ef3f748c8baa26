/** The topology veth, with real namespaces: its conditions hold, and nothing of it is ever left. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft, namedNetworks, privateNetworks } from '../support/leaks.js';
import { cli, type Running, splicebench, start } from '../support/process.js';
import { requireRoot, requireTools } from '../support/require-tool.js';

const tools = requireTools('ip', 'tc', 'unshare', 'nsenter');
const skip = tools.skip || requireRoot().skip;

const SHORT = { seconds: '300ms', warmup: '100ms' };

/** Interfaces of the host, which a run must never touch. */
function hostInterfaces(): string[] {
  const text = readFileSync('/proc/net/dev', 'utf8');
  return [...text.matchAll(/^\s*([^\s:]+):/gm)].map(([, name = '']) => name);
}

/** Waits until a run has its three namespaces and a trial under way. */
async function underWay(running: Running): Promise<Set<string>> {
  await running.until('three namespaces', () => privateNetworks(running.mark).size >= 3);
  await running.until('a trial', () => running.stderr.includes('block 1'));
  return privateNetworks(running.mark);
}

describe('veth', { skip }, () => {
  it('gives the packets the size that the condition says, and leaves nothing', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      topology: { kind: 'veth' },
      workload: { ...SHORT, direction: 'both', connections: 2 },
      matrix: { 'topology.offloads': ['on', 'off'], 'topology.mtu': [1500, 9000] },
      forwarders: ['direct', 'splice', 'copy'],
      blocks: { min: 1, max: 1 },
    });
    const before = [hostInterfaces(), namedNetworks()];
    const running = start(t, splicebench('run', scenario, '--out', join(folder, 'run')));
    const seen = await underWay(running);
    const { code } = await running.ended;
    assert.equal(code, 0, running.said());
    await assertNothingLeft(running.mark, seen);
    assert.deepEqual([hostInterfaces(), namedNetworks()], before);
    const trials = storedTrials(join(folder, 'run'));
    assert.equal(trials.length, 12);
    for (const trial of trials) {
      const size = Number(trial['bytes_per_packet']);
      assert.equal(trial.outcome, 'intact', trial.error ?? '');
      assert.ok(Number(trial['packets']) > 0);
      const mtu = trial.cell.includes('mtu=9000') ? 9000 : 1500;
      if (trial.cell.includes('offloads=off')) assert.ok(size <= mtu + 14, `${trial.cell} ${size}`);
      else assert.ok(size > mtu + 14, `${trial.cell} ${size}`);
    }
  });

  it('says that the link limits when a rate does, by either shaper', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      topology: { kind: 'veth', rate: '200Mbps' },
      workload: { seconds: '1s', warmup: '300ms', check: 'none' },
      matrix: { 'topology.shaper': ['tbf', 'htb'] },
      forwarders: ['splice', 'copy'],
      blocks: { min: 1, max: 1 },
    });
    const { code, stderr } = await cli(t, ['run', scenario, '--out', join(folder, 'run')]);
    assert.equal(code, 0, stderr);
    const trials = storedTrials(join(folder, 'run'));
    assert.equal(trials.length, 4);
    for (const trial of trials) {
      assert.ok(Number(trial['goodput_gbps']) < 0.21, String(trial['goodput_gbps']));
    }
    // A busy machine may fail to fill even this link now and then, but not every time.
    assert.ok(trials.some(({ bottleneck }) => bottleneck === 'link'));
  });

  it('leaves out what the interfaces refuse, with the reason, and runs the rest', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      topology: { kind: 'veth', tso: 'on' },
      workload: SHORT,
      matrix: { 'topology.checksum': ['on', 'off'] },
      forwarders: ['copy'],
      blocks: { min: 1, max: 1 },
    });
    const { code, stderr } = await cli(t, ['run', scenario, '--out', join(folder, 'run')]);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /copy in test\/checksum=off is unavailable: veth: .* refuses TSO on \(it needs checksum/,
    );
    assert.deepEqual(
      storedTrials(join(folder, 'run')).map(({ cell }) => cell),
      ['test/checksum=on'],
    );
  });

  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    it(`leaves nothing after ${signal}`, async (t) => {
      const folder = scratch(t);
      const scenario = writeScenario(folder, {
        topology: { kind: 'veth', rate: '1Gbps' },
        workload: { ...SHORT, seconds: '1s' },
        forwarders: ['splice', 'copy'],
      });
      const before = [hostInterfaces(), namedNetworks()];
      const running = start(t, splicebench('run', scenario, '--out', join(folder, 'run')));
      const seen = await underWay(running);
      assert.equal(seen.size, 3);
      running.kill(signal);
      await running.ended;
      await assertNothingLeft(running.mark, seen);
      assert.deepEqual([hostInterfaces(), namedNetworks()], before);
    });
  }

  it('runs twice at once, neither touching the other', async (t) => {
    const folders = [scratch(t), scratch(t)];
    const runs = folders.map((folder) => {
      const scenario = writeScenario(folder, {
        topology: { kind: 'veth' },
        workload: { ...SHORT, seconds: '1s' },
        forwarders: ['splice', 'copy'],
        blocks: { min: 2, max: 2 },
      });
      return start(t, splicebench('run', scenario, '--out', join(folder, 'run')));
    });
    const seen = await Promise.all(runs.map(underWay));
    assert.equal(new Set(seen.flatMap((networks) => [...networks])).size, 6);
    for (const running of runs) assert.equal((await running.ended).code, 0, running.said());
    for (const [index, folder] of folders.entries()) {
      const trials = storedTrials(join(folder, 'run'));
      assert.deepEqual(
        trials.map(({ outcome }) => outcome),
        ['intact', 'intact', 'intact', 'intact'],
      );
      await assertNothingLeft(runs[index]?.mark ?? '', seen[index] ?? new Set());
    }
  });
});
