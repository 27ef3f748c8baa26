/** Headers of the PROXY protocol before the stream: taken off where proxies send them, missed where not. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { splicebench, start } from '../support/process.js';
import { requireTools } from '../support/require-tool.js';

const DEADLINE = 300_000;

async function run(t: TestContext, keys: Record<string, unknown>) {
  const folder = scratch(t);
  const scenario = writeScenario(folder, { blocks: { min: 1, max: 1 }, ...keys });
  const out = join(folder, 'run');
  const running = start(t, splicebench('run', scenario, '--out', out), { deadline: DEADLINE });
  return { ...(await running.ended), trials: () => storedTrials(out) };
}

const WORKLOAD = { bytes: '256KiB', connections: 5 };

describe('workload.prefix', () => {
  const proxies = { skip: requireTools('haproxy', 'nginx').skip };
  it(
    'HAProxy sends both versions and nginx the first: every byte behind them is intact',
    proxies,
    async (t) => {
      const { code, stderr, trials } = await run(t, {
        workload: WORKLOAD,
        matrix: {
          'workload.prefix': [null, 'proxy-v1', 'proxy-v2'],
          'workload.direction': ['download', 'upload', 'both'],
        },
        forwarders: [
          'direct',
          { use: 'haproxy', 'proxy-protocol': 'v1', name: 'haproxy-v1' },
          { use: 'haproxy', 'proxy-protocol': 'v2', splice: 'both', name: 'haproxy-v2' },
          { use: 'nginx', 'proxy-protocol': 'v1', name: 'nginx-v1' },
        ],
      });
      assert.equal(code, 0, stderr);
      const found = trials().map(({ forwarder, cell, outcome }) => [forwarder, cell, outcome]);
      const expected = [
        ['direct', 'null'],
        ['haproxy-v1', 'proxy-v1'],
        ['haproxy-v2', 'proxy-v2'],
        ['nginx-v1', 'proxy-v1'],
      ].flatMap(([forwarder, prefix]) =>
        ['download', 'upload', 'both'].map((direction) => [
          forwarder,
          `test/prefix=${prefix},direction=${direction}`,
          'intact',
        ]),
      );
      assert.deepEqual(found.toSorted(), expected.toSorted());
      assert.match(
        stderr,
        /direct in \S+ is unavailable: without a forwarder nobody sends a PROXY/,
      );
      assert.match(
        stderr,
        /'proxy-protocol: v2' sends a header, and the workload declares proxy-v1/,
      );
      assert.match(stderr, /the workload declares no prefix/);
    },
  );

  it('who sends no header fails, whoever sends first', async (t) => {
    const { trials } = await run(t, {
      workload: { ...WORKLOAD, prefix: 'proxy-v1' },
      matrix: { 'workload.direction': ['download', 'upload'] },
      forwarders: ['copy'],
    });
    const [download, upload, ...others] = trials().toSorted((a, b) => (a.cell < b.cell ? -1 : 1));
    assert.deepEqual(others, []);
    assert.deepEqual([download?.outcome, upload?.outcome], ['failed', 'failed']);
    const lacks =
      /^upstream end: 0 of 5 connections .*: no PROXY header \(workload.prefix: proxy-v1\)/;
    for (const trial of [download, upload]) assert.match(String(trial?.error), lacks);
    assert.match(String(download?.error), /it has not come on 5 that are up$/);
    assert.match(String(upload?.error), /began with something else, or ended before$/);
  });

  const haproxy = { skip: requireTools('haproxy').skip };
  it('undeclared it is wrong bytes, and one of the other version is none', haproxy, async (t) => {
    const config = join(scratch(t), 'haproxy.cfg');
    const defaults = ['mode tcp', 'default-server send-proxy', 'timeout connect 9s'];
    const limits = ['timeout client 1h', 'timeout server 1h'];
    writeFileSync(config, ['defaults', ...defaults, ...limits, ''].join('\n'));
    const { code, stderr, trials } = await run(t, {
      workload: { ...WORKLOAD, direction: 'upload' },
      matrix: { 'workload.prefix': [null, 'proxy-v1', 'proxy-v2'] },
      forwarders: [{ use: 'haproxy', config, name: 'theirs' }],
    });
    assert.equal(code, 3, stderr);
    const found = new Map(trials().map((trial) => [trial.cell, trial]));
    assert.equal(found.get('test/prefix=null')?.outcome, 'corrupt');
    assert.equal(found.get('test/prefix=proxy-v1')?.outcome, 'intact');
    const other = found.get('test/prefix=proxy-v2');
    assert.equal(other?.outcome, 'failed');
    assert.match(other.error ?? '', /: no PROXY header \(workload.prefix: proxy-v2\)/);
  });
});
