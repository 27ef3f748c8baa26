/** Programs that people know, through `forward` and as forwarders of a run. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { freePort, freePorts, untilListening } from '../support/ports.js';
import { cli, run, splicebench, start } from '../support/process.js';
import { requireTools } from '../support/require-tool.js';

const MECHANISMS = [
  ...['splice', 'copy', 'copy-adaptive', 'zerocopy', 'vmsplice', 'splice-tee'],
  ...['file-source', 'file-sink'],
];

/** Starts a forwarder that serves any number of connections. */
async function forwarderTo(t: TestContext, mechanism: string, upstream: number): Promise<number> {
  const entry = await freePort();
  const forward = start(
    t,
    splicebench(
      ...['forward', '--mechanism', mechanism],
      ...['--listen', `127.0.0.1:${entry}`, '--upstream', `127.0.0.1:${upstream}`],
    ),
  );
  await untilListening(forward, entry);
  return entry;
}

describe('known programs through forward', () => {
  for (const mechanism of MECHANISMS) {
    it(`curl gets a file through ${mechanism}`, { skip: requireTools('curl').skip }, async (t) => {
      const body = randomBytes(20_000_003);
      const server = createServer((request, response) => {
        response.setHeader('content-length', body.length);
        response.end(request.method === 'HEAD' ? undefined : body);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      const address = server.address();
      assert.ok(address !== null && typeof address === 'object');
      const entry = await forwarderTo(t, mechanism, address.port);
      // Twice on one kept-alive connection, then once more on a new one.
      const url = `http://127.0.0.1:${entry}/`;
      const curl = start(t, ['curl', '-sS', '--noproxy', '*', url, url]);
      assert.equal((await curl.ended).stderr, '');
      const twice = createHash('sha256').update(body).update(body).digest('hex');
      assert.equal(createHash('sha256').update(curl.bytes).digest('hex'), twice);
      const head = await run(t, ['curl', '-sS', '--noproxy', '*', '-I', url]);
      assert.match(head.stdout, /content-length: 20000003/i);
    });

    it(
      `iperf3 measures both directions through ${mechanism}`,
      { skip: requireTools('iperf3').skip },
      async (t) => {
        const [server = 0] = await freePorts(1);
        const iperf = start(t, ['iperf3', '-s', '-p', String(server)]);
        await untilListening(iperf, server);
        const entry = await forwarderTo(t, mechanism, server);
        for (const direction of [[], ['-R']]) {
          const client = await run(t, [
            ...['iperf3', '-c', '127.0.0.1', '-p', String(entry), '-n', '64M', '-P', '2', '-J'],
            ...direction,
          ]);
          const result = JSON.parse(client.stdout) as {
            error?: string;
            end: { sum_sent: { bytes: number }; sum_received: { bytes: number } };
          };
          assert.equal(result.error, undefined);
          assert.ok(result.end.sum_sent.bytes >= 64 * 2 ** 20, client.stdout);
          // iperf3 stops counting when the sender has finished, not when the last byte is there.
          assert.ok(result.end.sum_received.bytes > 0, client.stdout);
        }
      },
    );
  }
});

describe('known programs as forwarders of a run', () => {
  /** Runs copy beside a program and returns the program's trials. */
  async function trialsOf(t: TestContext, entry: Record<string, unknown>) {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '32MiB', connections: 2 },
      matrix: { 'workload.direction': ['download', 'both'] },
      forwarders: ['copy', { use: 'command', name: 'program', ...entry }],
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    const trials = storedTrials(out).filter(({ forwarder }) => forwarder === 'program');
    assert.equal(code, 0, stderr);
    assert.equal(trials.length, 2);
    return trials;
  }

  it('socat', { skip: requireTools('socat').skip }, async (t) => {
    const trials = await trialsOf(t, {
      argv: [
        'socat',
        'TCP-LISTEN:{listen.port},bind={listen.host},reuseaddr,fork',
        'TCP:{upstream.host}:{upstream.port}',
      ],
      version: ['socat', '-V'],
    });
    for (const trial of trials) {
      assert.equal(trial.outcome, 'intact', trial.error ?? '');
      assert.match(String(trial['forwarder_version']), /socat/);
    }
  });

  it(
    'haproxy, its addresses from the environment',
    { skip: requireTools('haproxy').skip },
    async (t) => {
      const config = join(scratch(t), 'haproxy.cfg');
      writeFileSync(
        config,
        [
          'defaults',
          '  mode tcp',
          '  timeout connect 5s',
          '  timeout client 30s',
          '  timeout server 30s',
          'frontend entry',
          '  bind "${LISTEN}"',
          '  default_backend exit',
          'backend exit',
          '  server upstream "${UPSTREAM}"',
          '',
        ].join('\n'),
      );
      const trials = await trialsOf(t, {
        argv: ['haproxy', '-db', '-f', config],
        env: {
          LISTEN: '{listen.host}:{listen.port}',
          UPSTREAM: '{upstream.host}:{upstream.port}',
        },
        version: ['haproxy', '-v'],
      });
      for (const trial of trials) {
        assert.equal(trial.outcome, 'intact', trial.error ?? '');
        assert.match(String(trial['forwarder_version']), /HAProxy/);
        assert.equal(typeof trial['forwarder_cpu_seconds'], 'number');
      }
    },
  );
});
