/**
 * A run that is interrupted or killed, and roles that are killed in mid-trial: nothing is left behind,
 * what is finished is kept, and no such trial is ever called intact.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { DISTURBS_OTHERS } from '../../src/data/record/rest-record.js';
import { BAD_PROXY } from '../support/bad-proxy.js';
import {
  jsonLines,
  readCsv,
  scratch,
  storedTrials,
  type TrialLine,
  writeScenario,
} from '../support/folder.js';
import {
  assertNothingLeft,
  markedProcesses,
  namedNetworks,
  networks,
  privateNetworks,
  roleProcess,
  rxBytes,
} from '../support/leaks.js';
import { cli, killById, run, type Running, splicebench, start, until } from '../support/process.js';
import { requireRoot } from '../support/require-tool.js';

const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];
/** Longer than any deadline here: a run that waits for its trial to end is killed by that. */
const LONG = '300s';
const GOOD = ['intact', 'unchecked'];
/**
 * Of trials that are to be intact, too: beside other work a connection stands still for a second now and then,
 * since TCP sends again what was dropped, or asks again for a window, after 200 ms, then 400 ms, 800 ms.
 */
const STALL = '3s';

const splice = { use: 'splice' };
const honest = {
  use: 'command',
  name: 'program',
  argv: [process.execPath, BAD_PROXY, 'honest', ...PLACES],
};

interface Started {
  running: Running;
  out: string;
  /** Namespaces that the run was seen in. */
  seen: Set<string>;
}

/** Starts a run whose trials last; the first is under way when it returns. */
async function startRun(
  t: TestContext,
  forwarder: object,
  { seconds = LONG, blocks = 2, check = 'full' } = {},
): Promise<Started> {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    workload: { seconds, warmup: 0, stall: STALL, check },
    forwarders: [forwarder],
    blocks: { min: blocks, max: blocks },
  });
  const out = join(folder, 'run');
  const running = start(t, splicebench('run', scenario, '--json', '--out', out));
  const seen = new Set<string>();
  await flowing(running);
  for (const network of privateNetworks(running.mark)) seen.add(network);
  return { running, out, seen };
}

/** Waits until a role of every kind has threads that work: the loops run, bytes flow. */
async function flowing(running: Running): Promise<void> {
  await running.until('bytes in flight', () => {
    if (running.over !== null) throw new Error(`ended early: ${running.said()}`);
    const source = roleProcess(running.mark, 'source');
    const sink = roleProcess(running.mark, 'sink');
    return source !== undefined && sink !== undefined && busy(source.pid) && busy(sink.pid);
  });
}

/** True when a thread other than the main one has used CPU: the native loop. */
function busy(pid: number): boolean {
  try {
    const ticks = readFileSync(`/proc/${pid}/io`, 'utf8');
    return Number(/syscr: (\d+)/.exec(ticks)?.[1]) > 0 && rxBytes(pid) > 10_000_000;
  } catch {
    return false;
  }
}

function trialEnds(running: Running): number {
  return jsonLines(running.stdout.slice(0, running.stdout.lastIndexOf('\n') + 1)).filter(
    ({ event }) => event === 'trial-end',
  ).length;
}

describe('the orchestrator is stopped in mid-trial', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    for (const forwarder of [splice, honest]) {
      it(`${signal} under ${forwarder.use}: exit code 130, finished trials kept`, async (t) => {
        const named = namedNetworks();
        const { running, out, seen } = await startRun(t, forwarder, {
          seconds: '500ms',
          blocks: 50,
        });
        await running.until('two trials', () => trialEnds(running) >= 2);
        await flowing(running);
        const stored = storedTrials(out).length;
        running.kill(signal);
        const { code, stderr } = await running.ended;
        assert.equal(code, 130, stderr);
        await assertNothingLeft(running.mark, seen);
        assert.deepEqual(namedNetworks(), named);
        const trials = storedTrials(out);
        // One more may have ended between the two looks.
        assert.ok(trials.length >= 2 && trials.length - stored <= 1);
        assert.ok(trials.every(({ outcome }) => outcome === 'intact'));
        const manifest = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as {
          interrupted: boolean;
        };
        assert.equal(manifest.interrupted, true);
        assert.match(stderr, /interrupted/i);
        assert.equal(readCsv(join(out, 'trials.csv')).rows.length, trials.length);
      });
    }
  }

  it('SIGINT before the first trial has ended: exit code 130, nothing stored, nothing left', async (t) => {
    const { running, out, seen } = await startRun(t, splice);
    running.kill('SIGINT');
    const { code, stderr } = await running.ended;
    assert.equal(code, 130, stderr);
    assert.ok(!/\bat .*:\d+:\d+/.test(stderr), stderr);
    assert.deepEqual(storedTrials(out), []);
    await assertNothingLeft(running.mark, seen);
  });

  for (const forwarder of [splice, honest]) {
    it(`SIGKILL under ${forwarder.use}: nothing left, and --resume completes the run`, async (t) => {
      const named = namedNetworks();
      const options = { seconds: '500ms', blocks: 6 };
      const { running, out, seen } = await startRun(t, forwarder, options);
      await running.until('two trials', () => trialEnds(running) >= 2);
      await flowing(running);
      running.kill('SIGKILL');
      await running.ended;
      await assertNothingLeft(running.mark, seen);
      assert.deepEqual(namedNetworks(), named);
      const kept = readFileSync(join(out, 'trials.jsonl'), 'utf8');
      const before = storedTrials(out);
      assert.ok(before.length >= 2 && before.length < 6);
      assert.ok(before.every(({ outcome }) => outcome === 'intact'));

      const { code, stdout, stderr } = await cli(t, ['run', '--resume', out, '--json']);
      assert.equal(code, 0, stderr);
      const trials = storedTrials(out);
      assert.equal(trials.length, 6);
      assert.ok(readFileSync(join(out, 'trials.jsonl'), 'utf8').startsWith(kept));
      const again = jsonLines(stdout).filter(({ event }) => event === 'trial-start');
      assert.equal(again.length, 6 - before.length);
      assert.equal(new Set(trials.map(({ trial_id: id }) => id)).size, 6);
    });
  }
});

describe('a run of sets that ends in mid-set', () => {
  /** Two arms; the second set is under way when this returns. */
  async function inSecondSet(t: TestContext) {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { seconds: '600ms', warmup: 0, stall: STALL },
      forwarders: ['copy', 'splice'],
      baseline: 'copy',
      blocks: { min: 3, max: 3 },
    });
    const out = join(folder, 'run');
    const running = start(t, splicebench('run', scenario, '--json', '--out', out));
    await running.until('a set', () => trialEnds(running) >= 2);
    await flowing(running);
    return { running, out };
  }

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    it(`${signal}: finished sets are kept whole, and --resume completes the run`, async (t) => {
      const { running, out } = await inSecondSet(t);
      running.kill(signal);
      await running.ended;
      await assertNothingLeft(running.mark, new Set());
      const kept = readFileSync(join(out, 'trials.jsonl'), 'utf8');
      const before = storedTrials(out).length;
      assert.ok(before === 2 || before === 4, `${before} trials`);
      const { code, stderr } = await cli(t, ['run', '--resume', out]);
      assert.equal(code, 0, stderr);
      assert.equal(storedTrials(out).length, 6);
      assert.ok(readFileSync(join(out, 'trials.jsonl'), 'utf8').startsWith(kept));
    });
  }

  it('--resume of a set of which one arm is stored: the whole set runs again', async (t) => {
    const { running, out } = await inSecondSet(t);
    running.kill('SIGKILL');
    await running.ended;
    const path = join(out, 'trials.jsonl');
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const whole = lines.slice(0, -1);
    writeFileSync(path, `${whole.join('\n')}\n${lines.at(-1)?.slice(0, 100) ?? ''}`);
    const { code, stderr } = await cli(t, ['run', '--resume', out]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /set .*cut off/);
    const trials = storedTrials(out);
    assert.equal(trials.length, 6);
    const sets = new Set(trials.map(({ block, set }) => `${block} ${(set as { id: string }).id}`));
    assert.equal(sets.size, 3, 'the arms of each block are of one set');
  });
});

describe('a role is killed in mid-trial', () => {
  const victims: [string, object, (mark: string) => number | undefined][] = [
    ['source', splice, (mark) => roleProcess(mark, 'source')?.pid],
    ['sink', splice, (mark) => roleProcess(mark, 'sink')?.pid],
    ['forwarder', splice, (mark) => roleProcess(mark, 'forwarder')?.pid],
    ['command', honest, (mark) => roleProcess(mark, 'command')?.pid],
    ["command's program", honest, programOf],
  ];
  for (const check of ['full', 'none']) {
    for (const [victim, forwarder, find] of victims) {
      it(`${victim}, check: ${check}: that trial is not intact, the next one runs`, async (t) => {
        const options = { seconds: '1500ms', blocks: 2, check };
        const { running, out, seen } = await startRun(t, forwarder, options);
        const pid = find(running.mark);
        assert.ok(pid !== undefined, `no ${victim}`);
        killById(pid);
        const { code, stderr } = await running.ended;
        const [first, second, ...more] = storedTrials(out);
        assert.ok(first && second, stderr);
        assert.deepEqual(more, []);
        assert.ok(
          ['failed', 'reset', 'stalled', 'truncated'].includes(first.outcome),
          `${first.outcome}: ${first.error ?? ''}`,
        );
        assert.ok(first.error !== null && first.error !== '');
        assert.ok(GOOD.includes(second.outcome), second.error ?? '');
        assert.equal(code, first.outcome === 'truncated' ? 3 : 1, stderr);
        await assertNothingLeft(running.mark, seen);
      });
    }
  }

  function programOf(mark: string): number | undefined {
    return markedProcesses(mark).find(
      ({ command }) => command[0] === process.execPath && command[1] === BAD_PROXY,
    )?.pid;
  }
});

describe('an arm of a set that goes wrong in mid-set', () => {
  const program = (name: string, script: string) => ({
    use: 'command',
    name,
    argv: [process.execPath, '-e', script, ...PLACES],
  });
  /** Passes on what it reads; `each` is run for every chunk of what comes down. */
  const relaying = (each: string) =>
    'let seen = 0; require("net").createServer((a) => {' +
    ' const b = require("net").connect(+process.argv[4], process.argv[3]); a.pipe(b);' +
    ` b.on("data", (chunk) => { seen += chunk.length; ${each} }); b.on("end", () => a.end());` +
    ' for (const s of [a, b]) s.on("error", () => { a.destroy(); b.destroy(); });' +
    '}).listen(+process.argv[2], process.argv[1])';
  const write = 'if (!a.write(chunk)) { b.pause(); a.once("drain", () => b.resume()); }';

  /** One set of copy and another, to one of which something is done once bytes flow. */
  async function setWith(t: TestContext, forwarder: unknown, harm?: (mark: string) => void) {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { seconds: '1s', warmup: 0, stall: STALL },
      forwarders: ['copy', forwarder],
      baseline: 'copy',
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const running = start(t, splicebench('run', scenario, '--out', out));
    await running.until('bytes in flight', () => {
      const sink = roleProcess(running.mark, 'sink');
      return running.over !== null || (sink !== undefined && rxBytes(sink.pid) > 10_000_000);
    });
    harm?.(running.mark);
    const { code, stderr } = await running.ended;
    const trials = storedTrials(out);
    assert.equal(trials.length, 2, stderr);
    return { code, stderr, trials };
  }

  /** The two of a set of which only the other may be anything but intact. */
  function ofSet(trials: readonly TrialLine[]): { copy: TrialLine; own: TrialLine } {
    const [copy] = trials.filter((trial) => trial.forwarder === 'copy');
    const [own] = trials.filter((trial) => trial.forwarder !== 'copy');
    assert.ok(copy && own);
    assert.equal(copy.outcome, 'intact', copy.error ?? '');
    assert.ok((copy.bytes ?? 0) > 0);
    return { copy, own };
  }

  it('killed: failed, the set says so, the other is kept', async (t) => {
    const dies = program('dies', relaying(write));
    const { code, stderr, trials } = await setWith(t, dies, (mark) => {
      const found = markedProcesses(mark).find(
        ({ command }) => command[0] === process.execPath && command[1] === '-e',
      );
      killById(found?.pid ?? 0);
    });
    const { own } = ofSet(trials);
    assert.equal(own.outcome, 'failed', own.error ?? '');
    assert.match(
      own.error ?? '',
      /died: ended \(signal SIGKILL\), in .*round.*; the others .*went on/,
    );
    assert.equal(code, 1, stderr);
  });

  it('a built-in one, killed: failed as well', async (t) => {
    const { code, stderr, trials } = await setWith(t, 'splice', (mark) => {
      // One of the two: which of them it is shows in the records.
      killById(roleProcess(mark, 'forwarder')?.pid ?? 0);
    });
    assert.deepEqual(trials.map(({ outcome }) => outcome).sort(), ['failed', 'intact'], stderr);
    const failed = trials.find(({ outcome }) => outcome === 'failed');
    assert.match(failed?.error ?? '', /forwarder died: SIGKILL, in .*round/);
    assert.equal(code, 1, stderr);
  });

  it('stalls: stalled, with the round', async (t) => {
    // After some turns of its own, between which nothing comes: an amount may fall into the round that does
    // not count, where the machine is fast.
    const turns =
      'const now = Date.now(); if (now - this.last > 40) this.turns = (this.turns ?? 0) + 1; this.last = now;';
    const stalls = program(
      'stalls',
      relaying(`${turns} if (this.turns > 5) { b.pause(); return; } ${write}`),
    );
    const { code, stderr, trials } = await setWith(t, stalls);
    const { own } = ofSet(trials);
    assert.equal(own.outcome, 'stalled', own.error ?? '');
    assert.match(own.error ?? '', /no progress, in round \d+ of its set; the others/);
    assert.equal(code, 1, stderr);
  });

  it('spins from then on: measured to the end, and found to be busy while idle', async (t) => {
    const spin = 'const spin = () => setImmediate(spin); if (seen > 2e7 && !this.spins)';
    const spins = program('spins', relaying(`${spin} { this.spins = true; spin(); } ${write}`));
    const { code, stderr, trials } = await setWith(t, spins);
    const { own, copy } = ofSet(trials);
    assert.equal(own.outcome, 'intact', own.error ?? '');
    assert.equal(code, 0, stderr);
    const shareOf = ({ rest }: Record<string, unknown>) =>
      (rest as { idle_cpu_share: number | null }).idle_cpu_share;
    assert.ok((shareOf(own) ?? 0) > DISTURBS_OTHERS, JSON.stringify(own['rest']));
    assert.ok((shareOf(copy) ?? NaN) <= DISTURBS_OTHERS, JSON.stringify(copy['rest']));
  });
});

describe('programs that misbehave', () => {
  const listen = 'listen(+process.argv[2], process.argv[1])';
  const relay =
    'require("net").createServer((a) => { const b = require("net").connect(+process.argv[4], process.argv[3]);' +
    ' a.pipe(b); b.pipe(a); a.on("error", () => b.destroy()); b.on("error", () => a.destroy()); })';

  async function runProgram(t: TestContext, argv: string[], blocks = 1) {
    const { running, out, seen } = await startRun(
      t,
      { use: 'command', name: 'program', argv },
      { seconds: '500ms', blocks },
    );
    const { code, stderr } = await running.ended;
    await assertNothingLeft(running.mark, seen);
    return { code, stderr, trials: storedTrials(out) };
  }

  it('one that ignores SIGTERM is killed', async (t) => {
    const script = `for (const s of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(s, () => {}); ${relay}.${listen}`;
    const { code, trials, stderr } = await runProgram(t, [
      process.execPath,
      '-e',
      script,
      ...PLACES,
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(trials[0]?.outcome, 'intact');
  });

  it('one that prints megabytes does not block', async (t) => {
    const noise = 'const noise = "x".repeat(65536) + "\\n";';
    const print =
      'setInterval(() => { process.stdout.write(noise); process.stderr.write(noise); }, 1)';
    const script = `${noise} ${print}; ${relay}.${listen}`;
    const { code, trials, stderr } = await runProgram(t, [
      process.execPath,
      '-e',
      script,
      ...PLACES,
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(trials[0]?.outcome, 'intact');
    assert.ok(stderr.length < 100_000, 'what it prints is not ours to show');
  });

  it('one that leaves a child in a session of its own leaves nothing', async (t) => {
    const fork =
      'require("child_process").spawn("setsid", ["sleep", "300"], { detached: true, stdio: "ignore" }).unref();';
    const { code, trials, stderr } = await runProgram(
      t,
      [process.execPath, '-e', `${fork} ${relay}.${listen}`, ...PLACES],
      2,
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      trials.map(({ outcome }) => outcome),
      ['intact', 'intact'],
    );
  });

  it('one that goes into the background serves, and ends with its trial', async (t) => {
    const script = `"$0" -e '${relay}.${listen}' "$@" & sleep 300`;
    const { code, trials, stderr } = await runProgram(t, [
      'sh',
      '-c',
      script,
      process.execPath,
      ...PLACES,
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(trials[0]?.outcome, 'intact');
  });

  it('one that stops reading: stalled after workload.stall, and the run goes on', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '64MiB', stall: STALL },
      forwarders: [
        'copy',
        {
          use: 'command',
          name: 'program',
          argv: [process.execPath, BAD_PROXY, 'stall', ...PLACES],
        },
      ],
      baseline: 'copy',
      blocks: { min: 2, max: 2 },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 1, stderr);
    const of = (name: string) => storedTrials(out).filter(({ forwarder }) => forwarder === name);
    assert.deepEqual(
      of('program').map(({ outcome }) => outcome),
      ['stalled', 'stalled'],
    );
    assert.deepEqual(
      of('copy').map(({ outcome }) => outcome),
      ['intact', 'intact'],
    );
    assert.equal(of('program')[0]?.incidents, 0);
  });
});

describe('output that nobody reads to its end', () => {
  it('run --json | head -1: the run goes on and is stored whole', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '8MiB' },
      forwarders: ['copy', 'splice'],
      baseline: 'copy',
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const command = splicebench('run', scenario, '--json', '--out', out);
    const script = '{ "$@"; echo "exit code $?" >&2; } | head -n 1';
    const { stdout, stderr } = await run(t, ['sh', '-c', script, 'sh', ...command]);
    assert.equal(jsonLines(stdout).length, 1);
    assert.match(stderr, /^exit code 0$/m);
    assert.ok(!stderr.includes('EPIPE'), stderr);
    assert.equal(storedTrials(out).length, 2);
    assert.equal(readCsv(join(out, 'trials.csv')).rows.length, 2);
  });
});

describe('what these tests rest on', () => {
  it('a wait that is in vain says what for', async () => {
    await assert.rejects(
      until('the moon', () => false, 50),
      /in vain: the moon/,
    );
  });

  it('a process in a session of its own is found, and so is its namespace', async (t) => {
    const shell = start(t, ['sh', '-c', 'setsid sleep 60 >/dev/null 2>&1 & exit 0']);
    await shell.ended;
    await until('sleep runs', () =>
      markedProcesses(shell.mark).some(({ command }) => command[0] === 'sleep'),
    );
    await assert.rejects(assertNothingLeft(shell.mark, new Set(), 100), /sleep 60/);
    const [first] = networks();
    assert.ok(first);
    await assert.rejects(assertNothingLeft('no such mark', new Set([first]), 100), /left behind/);
    await assertNothingLeft('no such mark', new Set(), 100);
  });

  it('a later namespace of others is not taken for one that was seen', requireRoot(), async (t) => {
    const inOwnNetwork = async () => {
      const running = start(t, ['unshare', '--net', 'sleep', '60']);
      await running.until('a namespace', () => privateNetworks(running.mark).size === 1);
      return { running, seen: privateNetworks(running.mark) };
    };
    const first = await inOwnNetwork();
    first.running.kill();
    await first.running.ended;
    // The kernel would give it the same number at once.
    const second = await inOwnNetwork();
    await assertNothingLeft(first.running.mark, first.seen, 100);
    await assert.rejects(assertNothingLeft('no such mark', second.seen, 100), /left behind/);
  });
});
