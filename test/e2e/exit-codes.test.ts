/** Every row of the exit-code table, with what is said on the way out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { BAD_PROXY } from '../support/bad-proxy.js';
import { BAD_AT, type BadMode } from '../support/bad-proxy-modes.js';
import {
  scratch,
  storedIncidents,
  storedTrials,
  type StoredIncidentLine,
  writeScenario,
} from '../support/folder.js';
import { connected, freePort, freePorts, untilListening } from '../support/ports.js';
import { cli, splicebench, start } from '../support/process.js';
import { requireMechanism } from '../support/require-tool.js';
import { startSource } from '../support/stream.js';

const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];

/** Runs one block of `copy` beside a program. */
async function runWith(t: TestContext, program: Record<string, unknown>, more: object = {}) {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    workload: { bytes: '8MiB' },
    forwarders: ['copy', { use: 'command', name: 'program', ...program }],
    baseline: 'copy',
    blocks: { min: 1, max: 1 },
    ...more,
  });
  const out = join(folder, 'run');
  // Of one byte in 256 a fault makes what it was before, so that an incident begins behind it: the same
  // bytes each time.
  const ended = await cli(t, ['run', scenario, '--seed', '2008', '--out', out]);
  const trials = storedTrials(out);
  const own = trials.find(({ forwarder }) => forwarder === 'program');
  const copy = trials.find(({ forwarder }) => forwarder === 'copy');
  assert.ok(own && copy, ended.stderr);
  assert.equal(copy.outcome, 'intact', 'the other forwarder is not disturbed');
  return { ...ended, out, own };
}

function oneLine(text: string): string {
  assert.ok(!text.trim().includes('\n'), `one line expected:\n${text}`);
  assert.ok(!/\bat .*:\d+:\d+/.test(text), `no stack expected:\n${text}`);
  return text.trim();
}

describe('exit code 1: could not run', () => {
  it('a port that is in use', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const place = `127.0.0.1:${address.port}`;
    const commands = [
      ['source', '--listen', place],
      ['sink', '--listen', place],
      ['forward', '--mechanism', 'copy', '--listen', place, '--upstream', '127.0.0.1:1'],
    ];
    for (const command of commands) {
      const { code, stdout, stderr } = await cli(t, command);
      assert.equal(code, 1, command[0]);
      assert.match(oneLine(stderr), new RegExp(`${place}.*in use`));
      assert.equal(stdout, '');
    }
  });

  it('nobody listens', async (t) => {
    const port = await freePort();
    for (const command of ['source', 'sink']) {
      const { code, stderr } = await cli(t, [command, '--connect', `127.0.0.1:${port}`]);
      assert.equal(code, 1, command);
      assert.match(
        oneLine(stderr),
        new RegExp(`127\\.0\\.0\\.1:${port}: .*refused|ECONNREFUSED`, 'i'),
      );
    }
  });

  for (const mechanism of [
    'poc',
    'splice',
    'copy',
    'uring-copy',
    'uring-zerocopy',
    'uring-splice',
  ]) {
    const { skip } = requireMechanism(mechanism);
    it(`forward --mechanism ${mechanism} whose upstream refuses`, { skip }, async (t) => {
      const [entry = 0, upstream = 0] = await freePorts(2);
      const forward = start(
        t,
        splicebench(
          ...['forward', '--mechanism', mechanism, '--once', '--json'],
          ...['--listen', `127.0.0.1:${entry}`, '--upstream', `127.0.0.1:${upstream}`],
        ),
      );
      await untilListening(forward, entry);
      const sink = await cli(t, [
        'sink',
        '--connect',
        `127.0.0.1:${entry}`,
        '--bytes',
        '1MiB',
        '--json',
      ]);
      assert.notEqual(sink.code, 0);
      const { code, stderr } = await forward.ended;
      assert.equal(code, 1);
      assert.match(
        oneLine(stderr),
        new RegExp(`upstream 127\\.0\\.0\\.1:${upstream}.*ECONNREFUSED`),
      );
    });
  }

  it('a file or folder that is not there', async (t) => {
    const folder = scratch(t);
    const file = await cli(t, [
      'source',
      '--listen',
      '127.0.0.1:0',
      '--file',
      join(folder, 'none'),
    ]);
    assert.equal(file.code, 1);
    assert.match(oneLine(file.stderr), /--file .*none/);
    const trace = join(folder, 'none', 'trace');
    const forward = ['forward', '--mechanism', 'copy', '--listen', '127.0.0.1:0'];
    const traced = await cli(t, [...forward, '--upstream', '127.0.0.1:1', '--trace', trace]);
    assert.equal(traced.code, 1);
    assert.match(oneLine(traced.stderr), /--trace: .*none/);
  });

  const programs: Record<string, { entry: Record<string, unknown>; error: RegExp }> = {
    'does not exist': {
      entry: { argv: ['no-such-program-here', ...PLACES] },
      error: /no-such-program-here/,
    },
    'never listens': {
      entry: { argv: ['sleep', '60'], ready: '500ms' },
      error: /sleep: did not listen on port \d+ within 0\.5 s/,
    },
    'exits at once': {
      entry: { argv: ['sh', '-c', 'echo "bad config, line 3" >&2; exit 7'] },
      error: /ended \(exit code 7\): bad config, line 3/,
    },
    'closes every connection': {
      entry: {
        argv: [
          process.execPath,
          '-e',
          'require("net").createServer((s) => s.destroy()).listen(+process.argv[2], process.argv[1])',
          '{listen.host}',
          '{listen.port}',
        ],
      },
      error: /connections came up/,
    },
  };
  for (const [what, { entry, error }] of Object.entries(programs)) {
    it(`run with a command that ${what}: that trial failed, the others stand`, async (t) => {
      const { code, own, stderr } = await runWith(t, entry);
      assert.equal(code, 1, stderr);
      assert.equal(own.outcome, 'failed');
      assert.match(own.error ?? '', error);
      assert.equal(own['goodput_gbps'], null);
    });
  }
});

describe('exit code 2: usage or invalid input', { concurrency: 4 }, () => {
  const usage: [string[], RegExp][] = [
    [[], /Usage: splicebench/],
    [['rum'], /unknown command 'rum'/],
    [['run', '--blokcs', '3'], /unknown option '--blokcs'/],
    [['run', '--blocks', '0'], /--blocks.*whole number from 1/],
    [['run', '--seed', 'x'], /--seed/],
    [['run', '--only', 'splcie', '--dry-run'], /no forwarder 'splcie'.*splice/],
    [['run', 'no-such-scenario'], /no scenario 'no-such-scenario'.*loopback/],
    [['run', '--out', 'a', '--resume', 'b'], /cannot be used with/],
    [['source', '--listen', '127.0.0.1:0', '--bytes', '64Kib'], /64Kib/],
    [['source', '--listen', '127.0.0.1:0', '--seconds', '3 parsecs'], /parsecs/],
    [['source', '--listen', '127.0.0.1:99999'], /HOST:PORT/],
    [['source', '--listen', 'somewhere:1'], /somewhere/],
    [['source'], /--listen HOST:PORT or --connect HOST:PORT/],
    [['sink'], /--listen HOST:PORT or --connect HOST:PORT/],
    [['sink', '--connect', '127.0.0.1:1', '--discard', '--check'], /cannot be used with/],
    [['sink', '--connect', '127.0.0.1:1', '--output', '-', '--json'], /standard output/],
    [
      ['forward', '--mechanism', 'spilce', '--listen', '127.0.0.1:0', '--upstream', '127.0.0.1:1'],
      /no mechanism 'spilce', did you mean 'splice'/,
    ],
    [['forward', '--mechanism', 'copy', '--listen', '127.0.0.1:0'], /--upstream/],
    [['report'], /missing required argument/],
    [['report', '/proc/self'], /not a run/],
    [['compare', 'copy'], /missing required argument/],
    [['explain', '/proc/self'], /not a run/],
    [['compare', '/proc/self', '/proc/self'], /no such run; expected a folder with run.json/],
    [['compare', 'copy', 'splice', '--metrics', 'godput'], /did you mean 'goodput'/],
  ];
  for (const [args, message] of usage) {
    it(`splicebench ${args.join(' ')}`, async (t) => {
      const { code, stdout, stderr } = await cli(t, args, { cwd: scratch(t) });
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(stdout, '');
      assert.ok(!/\bat .*:\d+:\d+/.test(stderr), stderr);
    });
  }

  const files: Record<string, [string, RegExp]> = {
    'an unknown key': [
      'name: test\nworkload:\n  conections: 2\nforwarders: [copy]\n',
      /scenario\.yaml:3: .*conections.*connections/,
    ],
    'a bad size': [
      'name: test\nworkload: { bytes: 5 parsecs }\nforwarders: [copy]\n',
      /scenario\.yaml:2: .*bytes.*parsecs/,
    ],
    'an unknown forwarder': [
      'name: test\nforwarders:\n  - copy\n  - { use: splcie }\n',
      /scenario\.yaml:4: .*splcie.*splice/,
    ],
    'an unknown option of a forwarder': [
      'name: test\nforwarders:\n  - use: splice\n    pip: 1MiB\n',
      /scenario\.yaml:4: .*pip\b.*pipe/,
    ],
    'an unknown metric in a threshold': [
      'name: test\nforwarders: [copy]\nthresholds:\n  - "copy.godput >= 1"\n',
      /scenario\.yaml:4: .*godput.*goodput/,
    ],
    'text that is not YAML': ['name: [test\n', /scenario\.yaml:\d+/],
  };
  for (const [what, [text, message]] of Object.entries(files)) {
    it(`a scenario with ${what}: file, line and the nearest valid one`, async (t) => {
      const folder = scratch(t);
      const path = join(folder, 'scenario.yaml');
      writeFileSync(path, text);
      const { code, stderr } = await cli(t, ['run', path, '--out', join(folder, 'run')]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    });
  }
});

describe('exit code 3: an integrity violation', () => {
  const KEYS = [
    ...['trial_id', 'forwarder', 'connection', 'direction', 'offset', 'length', 'class'],
    ...['expected_hex', 'received_hex'],
  ] as const;

  /** Runs a proxy that does one thing wrong; the offset is after the prologue that proves the path. */
  const deeds: [BadMode, string, string[]][] = [
    ['flip', 'corrupt', ['bit-flip']],
    ['zeros', 'corrupt', ['zeros']],
    ['drop', 'corrupt', ['missing']],
    ['duplicate', 'corrupt', ['inserted']],
    ['swap', 'corrupt', ['misplaced', 'misplaced']],
    ['truncate', 'truncated', []],
    ['extra', 'extra', []],
  ];
  for (const [mode, outcome, classes] of deeds) {
    it(`run with a proxy that does ${mode}`, async (t) => {
      const argv = [process.execPath, BAD_PROXY, mode, ...PLACES];
      const { code, out, own, stdout, stderr } = await runWith(
        t,
        { argv },
        { thresholds: ['incidents == 0'] },
      );
      assert.equal(own.outcome, outcome, own.error ?? '');
      assert.equal(code, 3, stderr);
      const incidents = storedIncidents(out);
      assert.deepEqual(
        incidents.map((incident) => incident.class),
        classes,
      );
      assert.equal(own.incidents, classes.length);
      if (mode === 'truncate') assert.ok(Number(own['missing_bytes']) > 0);
      if (mode === 'extra') assert.ok(Number(own['extra_bytes']) > 0);
      for (const incident of incidents) {
        for (const key of KEYS) assert.ok(key in incident, key);
        assert.equal(incident.trial_id, own.trial_id);
        assert.equal(incident.forwarder, 'program');
        assert.equal(incident.direction, 'down');
        assert.equal(incident.connection, 0);
      }
      const [first] = incidents as (StoredIncidentLine | undefined)[];
      if (mode !== 'duplicate' && first) assert.equal(first.offset, BAD_AT);
      assert.ok(!/\bSafe:/.test(stdout), 'the verdict does not say that it is safe');
    });
  }
});

describe('exit code 4 and the order of the codes', () => {
  it('a threshold that is not met', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '8MiB' },
      forwarders: ['copy', 'splice'],
      baseline: 'copy',
      blocks: { min: 6, max: 6 },
      thresholds: ['splice.goodput >= 1000000'],
    });
    const { code, stdout } = await cli(t, ['run', scenario, '--out', join(folder, 'run')]);
    assert.equal(code, 4, stdout);
    assert.match(stdout, /Threshold not met: splice\.goodput >= 1000000/);
  });

  it('a trial that failed comes before a threshold', async (t) => {
    const argv = ['sh', '-c', 'exit 1'];
    const { code } = await runWith(t, { argv }, { thresholds: ['copy.goodput >= 1000000'] });
    assert.equal(code, 1);
  });

  it('0 when everything is as it should be', async (t) => {
    const argv = [process.execPath, BAD_PROXY, 'honest', ...PLACES];
    const { code, own, stderr } = await runWith(t, { argv }, { thresholds: ['incidents == 0'] });
    assert.equal(own.outcome, 'intact', own.error ?? '');
    assert.equal(code, 0, stderr);
  });
});

describe('exit code 130: interrupted', () => {
  it('source, sink and forward on SIGINT, mid-stream and while waiting', async (t) => {
    const { port, source } = await startSource(t);
    const sink = start(t, splicebench('sink', '--connect', `127.0.0.1:${port}`, '--json'));
    const entry = await freePort();
    const forward = start(
      t,
      splicebench(
        ...['forward', '--mechanism', 'splice', '--listen', `127.0.0.1:${entry}`],
        ...['--upstream', `127.0.0.1:${port}`],
      ),
    );
    await untilListening(forward, entry);
    await sink.until('the connection', () => connected(port));
    sink.kill('SIGINT');
    assert.equal((await sink.ended).code, 130, sink.said());
    const said = JSON.parse(sink.stdout) as { bytes: number; outcome: string };
    assert.ok(said.bytes > 0);
    assert.notEqual(said.outcome, 'intact', 'its end was not seen');
    forward.kill('SIGINT');
    assert.equal((await forward.ended).code, 130, forward.said());
    assert.equal((await source.ended).code, 1, 'the other end went away');
    const { source: waiting } = await startSource(t);
    waiting.kill('SIGTERM');
    assert.equal((await waiting.ended).code, 130, waiting.said());
  });
});
