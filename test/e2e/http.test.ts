/** HTTP through forwarders: nginx and node:http as origins, bodies compared, bad proxies noticed. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { localHost } from '../../src/machine/host/host.js';
import { RoleClient } from '../../src/machine/role/client.js';
import { BAD_PROXY } from '../support/bad-proxy.js';
import { scratch, type ScenarioKeys, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';
import { requireTool } from '../support/require-tool.js';

const WORKLOAD = { kind: 'http', connections: 3, seconds: '400ms', warmup: '100ms', stall: '3s' };

async function trialsOf(t: TestContext, keys: ScenarioKeys) {
  const folder = scratch(t);
  const out = join(folder, 'run');
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const file = writeScenario(folder, { blocks: { min: 1, max: 1 }, ...keys });
  const env = { TMPDIR: temporary };
  const { code, stderr } = await cli(t, ['run', file, '--out', out], { env });
  assert.deepEqual(readdirSync(temporary), [], 'no folder of an origin is left');
  return { code, stderr, trials: storedTrials(out) };
}

describe('http', () => {
  it('counts requests, and compares every body', async (t) => {
    const { code, stderr, trials } = await trialsOf(t, {
      workload: WORKLOAD,
      matrix: { 'workload.body': [1, '64KiB'], 'workload.pipelining': [1, 4] },
      forwarders: ['copy', 'splice'],
    });
    assert.equal(code, 0, stderr);
    assert.equal(trials.length, 8);
    for (const trial of trials) {
      assert.equal(trial.outcome, 'intact', trial.error ?? '');
      assert.equal(trial['workload'], 'http');
      assert.ok(Number(trial['requests']) > 0 && Number(trial['requests_per_second']) > 0);
      assert.ok(Number(trial['latency_p50_us']) > 0);
      assert.ok(Number(trial.verified_bytes) >= Number(trial.bytes));
    }
  });

  // Node ends what it resets, so that either may be seen first.
  const modes: [string, string[]][] = [
    ['flip', ['corrupt']],
    ['truncate', ['truncated']],
    ['reset', ['reset', 'truncated']],
    ['stall', ['stalled']],
  ];
  for (const [mode, outcomes] of modes) {
    it(`notices a proxy that does wrong: ${mode}`, async (t) => {
      const { trials } = await trialsOf(t, {
        workload: { ...WORKLOAD, body: '256KiB', connections: 1, seconds: '1s' },
        forwarders: [
          {
            use: 'command',
            name: 'bad',
            argv: [
              ...[process.execPath, BAD_PROXY, mode],
              ...['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'],
            ],
          },
        ],
      });
      const [trial, ...more] = trials;
      assert.deepEqual(more, []);
      assert.ok(outcomes.includes(trial?.outcome ?? ''), `${trial?.outcome}: ${trial?.error}`);
    });
  }

  it('an nginx that does not take the configuration: node:http serves', async (t) => {
    const folder = scratch(t);
    const script = '#!/bin/sh\necho "nginx version: nginx/1.0.0" >&2\n[ "$1" = -v ]\n';
    writeFileSync(join(folder, 'nginx'), script, { mode: 0o755 });
    const path = `PATH=${folder}:${process.env['PATH'] ?? ''}`;
    const role = RoleClient.start({ ...localHost(), prefix: ['env', path] }, 'origin');
    try {
      const start = { host: '127.0.0.1', connections: 1, body: 10, seed: '3', cpus: [] };
      const { server } = await role.ask('open', start);
      assert.match(server, /^node:http/);
    } finally {
      await role.close();
    }
  });

  const { skip } = requireTool('nginx', '/usr/sbin/nginx');
  it('serves the same bodies by nginx and by node:http', { skip }, async () => {
    for (const server of ['nginx', 'node'] as const) {
      const role = RoleClient.start(localHost(), 'origin');
      try {
        const start = {
          host: '::1',
          connections: 1,
          body: 5000,
          seed: '3',
          cpus: [],
          server,
        };
        const { port, server: name } = await role.ask('open', start);
        assert.ok(name.startsWith(server));
        const { httpBodies } = await import('../../src/machine/role/http-bodies.js');
        for (const [index, body] of httpBodies('3', 5000).entries()) {
          const response = await fetch(`http://[::1]:${port}/${index}`);
          assert.equal(await response.text(), body, `${server} /${index}`);
        }
        assert.equal((await fetch(`http://[::1]:${port}/99`)).status, 404);
      } finally {
        await role.close();
      }
    }
  });
});
