/** The options of splice and poc: each works, and the one that must not is seen and survived. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft, roleProcess, rxBytes } from '../support/leaks.js';
import { cli, killById, splicebench, start } from '../support/process.js';
import { startForward, startSource } from '../support/stream.js';

const READ_ON = 'read-when-pipe-holds-data';

/** splice by number, on x86_64 and arm64. */
const SPLICE = process.arch === 'arm64' ? '76' : '275';

/** True when a thread of the process sleeps in splice. */
function waitsInSplice(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).some((tid) => {
    const [call] = readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'utf8').split(' ');
    return call === SPLICE;
  });
}

/** A condition that holds once bytes have moved in three looks on end. */
function flowing(pid: number): () => boolean {
  let last = Infinity;
  let growing = 0;
  return () => {
    const now = rxBytes(pid);
    growing = now > last + 100_000 ? growing + 1 : 0;
    last = now;
    return growing >= 3;
  };
}

/** Looks, 20 ms apart, so many that a forwarder that was not given its CPU does not seem to be blocked. */
const STILL = 25;

/** A condition that holds once next to nothing has moved for some time: buffers are full. */
function standingStill(pid: number): () => boolean {
  let last = -Infinity;
  let still = 0;
  return () => {
    const now = rxBytes(pid);
    still = now <= last + 10_000 ? still + 1 : 0;
    last = now;
    return still >= STILL;
  };
}

describe('options of splice', () => {
  it('a splice that waits for ever: the trial is stalled, the run goes on', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      // A sink of its own for each, so that each can be paused.
      workload: { seconds: '4s', warmup: 0, stall: '3s', mode: 'solo' },
      forwarders: [
        { use: 'splice', name: 'blocks', nonblock: false, [READ_ON]: true },
        { use: 'poc', name: 'poc-blocks', nonblock: false },
        { use: 'splice', name: 'fills-empty-pipes', nonblock: false },
        'splice',
      ],
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const running = start(t, splicebench('run', scenario, '--out', out));
    // In every trial the sink pauses for a moment, so that everything before it fills up.
    const seen = new Set([0]);
    for (let trial = 0; trial < 4; trial++) {
      await running.until('a sink', () => !seen.has(roleProcess(running.mark, 'sink')?.pid ?? 0));
      const { pid = 0 } = roleProcess(running.mark, 'sink') ?? {};
      seen.add(pid);
      // Or it blocks, and ends, without the help.
      const over = () => storedTrials(out).length > trial;
      const flows = flowing(pid);
      await running.until('bytes in flight', () => over() || flows());
      killById(pid, 'SIGSTOP');
      await running.until('full buffers', standingStill(pid));
      killById(pid, 'SIGCONT');
      await running.until('the end', over);
    }
    const { code, stderr } = await running.ended;
    const outcomes = Object.fromEntries(
      storedTrials(out).map(({ forwarder, outcome }) => [forwarder, outcome]),
    );
    assert.deepEqual(
      outcomes,
      {
        blocks: 'stalled',
        'poc-blocks': 'stalled',
        'fills-empty-pipes': 'intact',
        splice: 'intact',
      },
      stderr,
    );
    assert.equal(code, 1, stderr);
    await assertNothingLeft(running.mark, new Set());
  });

  it('every other option leaves the bytes as they are', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '32MiB', direction: 'both', connections: 4 },
      forwarders: [
        { use: 'splice', move: false },
        { use: 'splice', more: true },
        { use: 'splice', [READ_ON]: true },
        { use: 'splice', chunk: '3000' },
        { use: 'splice', [READ_ON]: true, pipe: '4KiB', chunk: '100000' },
      ],
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 0, stderr);
    assert.equal(storedTrials(out).length, 5);
  });

  it('poc: the variants of the report', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '64MiB' },
      forwarders: [
        { use: 'poc', move: false },
        { use: 'poc', [READ_ON]: false },
      ],
      blocks: { min: 1, max: 1 },
    });
    const { code, stderr } = await cli(t, ['run', scenario, '--out', join(folder, 'run')]);
    assert.equal(code, 0, stderr);
  });
});

describe('forward --set', () => {
  const places = ['--listen', '127.0.0.1:0', '--upstream', '127.0.0.1:1'];
  for (const [set, message] of [
    ['nonblok=false', /--set: unknown key 'nonblok', did you mean 'nonblock'\?/],
    ['nonblock=maybe', /--set: nonblock: expected true or false, got/],
    ['chunk=12parsecs', /--set: chunk: .*12parsecs/],
    ['pipe', /expected KEY=VALUE/],
  ] as const) {
    it(`refuses ${set}`, async (t) => {
      const { code, stderr } = await cli(t, [
        ...['forward', '--mechanism', 'splice', ...places, '--set', set],
      ]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    });
  }

  it('reaches the mechanism, and Ctrl-C ends a loop that waits for ever', async (t) => {
    const source = await startSource(t);
    const options = ['--set', 'nonblock=false', '--set', `${READ_ON}=true`];
    const { port, forward } = await startForward(
      t,
      source.port,
      ...['--mechanism', 'splice', ...options],
    );
    const reader = connect(port, '127.0.0.1').pause();
    reader.on('error', () => undefined);
    // Slower than the source, so that everything between them fills up.
    const pace = setInterval(() => {
      reader.read();
    }, 20);
    t.after(() => {
      clearInterval(pace);
      reader.destroy();
    });
    await forward.until('a splice that waits', () => waitsInSplice(forward.pid));
    forward.kill('SIGINT');
    assert.equal((await forward.ended).code, 130, forward.said());
  });
});
