/** `make bars-precision` on real sockets, as short as it can be: it runs through, goes on, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { jsonLines, scratch } from '../support/folder.js';
import { assertNothingLeft, markedProcesses, privateNetworks } from '../support/leaks.js';
import { ROOT, run, type Running, start } from '../support/process.js';

const PROGRAM = [process.execPath, join(ROOT, 'dist', 'bench', 'precision.js')];
const KINDS = ['splice', 'aa', 'aa-short', 'burner', 'splice-busy', 'splice-again'];

function quick(t: TestContext, folder: string): Running {
  return start(t, [...PROGRAM, '--quick', '--out', folder]);
}

function storedRuns(folder: string): Record<string, unknown>[] {
  const path = join(folder, 'runs.jsonl');
  return existsSync(path) ? jsonLines(readFileSync(path, 'utf8')) : [];
}

/** Processes that keep a CPU busy. */
function busyOnes(running: Running): number {
  return markedProcesses(running.mark).filter(({ command }) =>
    command.some((word) => word.endsWith('busy.js')),
  ).length;
}

describe('make bars-precision', () => {
  it('runs through, and its bars follow from its runs', async (t) => {
    const folder = join(scratch(t), 'precision');
    const running = quick(t, folder);
    const { code, stderr } = await running.ended;
    // With so few sets no bar has a figure, so that none is missed.
    assert.equal(code, 0, stderr);
    const runs = storedRuns(folder);
    assert.deepEqual(
      runs.map(({ kind }) => kind),
      KINDS,
    );
    for (const { error, sets } of runs) assert.ok(error === null && Number(sets) >= 1);
    await assertNothingLeft(running.mark, new Set());
    const check = await run(t, [...PROGRAM, '--check', folder]);
    assert.equal(check.code, 0, check.stderr);
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    it(`${signal} while the CPUs are kept busy: nothing is left, what was finished is, and it goes on`, async (t) => {
      const folder = join(scratch(t), 'precision');
      const running = quick(t, folder);
      await running.until('busy processes', () => busyOnes(running) > 0);
      const seen = privateNetworks(running.mark);
      running.kill(signal);
      await running.ended;
      await assertNothingLeft(running.mark, seen);
      assert.deepEqual(
        storedRuns(folder).map(({ kind }) => kind),
        KINDS.slice(0, 4),
      );
      const again = await quick(t, folder).ended;
      assert.equal(again.code, 0, again.stderr);
      assert.deepEqual(
        storedRuns(folder).map(({ kind }) => kind),
        KINDS,
      );
    });
  }

  it('an option that is none, and a folder of something else: refused', async (t) => {
    const folder = scratch(t);
    const none = await run(t, [...PROGRAM, '--aa-runs', '0', '--out', folder]);
    assert.notEqual(none.code, 0);
    assert.match(none.stderr, /whole number from 1/);
    const check = await run(t, [...PROGRAM, '--check', folder]);
    assert.equal(check.code, 2, check.stderr);
    assert.match(check.stderr, /no session of make bars-precision/);
  });
});
