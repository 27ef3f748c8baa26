/** Tests that fail beside others run once more, alone: .ci/run-tests.sh, and the makefile of the native ones. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';
import { scratch } from '../support/folder.js';
import { run } from '../support/process.js';
import { writeProgram, writeTree } from '../support/tree.js';

/** Fails so often, counting in a file beside it. */
const FAILING = (times: number) => `
const { appendFileSync, readFileSync } = require('node:fs');
require('node:test').it('test', () => {
  appendFileSync(__filename + '.tries', 'x');
  if (readFileSync(__filename + '.tries').length <= ${times}) throw new Error('failed');
});`;

/** Of files that fail so often each. */
async function ran(t: TestContext, ...failing: number[]) {
  const folder = scratch(t);
  const files = failing.map((times, index): [string, string] => [
    `${index}.test.cjs`,
    FAILING(times),
  ]);
  writeTree(folder, Object.fromEntries(files));
  const paths = files.map(([name]) => join(folder, name));
  const script = join(packageRoot(), '.ci', 'run-tests.sh');
  // Without it a runner within a runner reports to the outer one.
  const env = { NODE_TEST_CONTEXT: undefined };
  return run(t, ['sh', script, '2', ...paths], { cwd: folder, env });
}

/** The native makefile's targets, with programs of a test's own. */
async function make(t: TestContext, programs: Readonly<Record<string, string>>) {
  const build = scratch(t);
  for (const [name, text] of Object.entries(programs)) writeProgram(build, name, text);
  const rules = join(packageRoot(), 'native', 'test', 'Makefile');
  const tests = `TESTS=${Object.keys(programs).join(' ')}`;
  const folder = join(packageRoot(), 'native', 'test');
  const argv = ['make', '-C', folder, '-f', rules, `BUILD=${build}`, tests, 'played'];
  return run(t, argv, { env: { MAKEFLAGS: undefined, MAKELEVEL: undefined } });
}

const ONCE = 'echo x >>"$0.tries"; test "$(wc -l <"$0.tries")" -gt 1';

describe('test files', () => {
  it('pass once and are done, or fail once and are told by name', async (t) => {
    const passed = await ran(t, 0, 0);
    assert.equal(passed.code, 0);
    assert.doesNotMatch(passed.stdout, /once more|FAILED ONCE/);
    const once = await ran(t, 0, 1);
    assert.equal(once.code, 0, once.stdout);
    assert.match(once.stdout, /Error: failed[\s\S]*FAILED ONCE.*\n.*1\.test\.cjs\n$/);
    assert.doesNotMatch(once.stdout, /0\.test\.cjs/);
  });

  it('fail that fail twice, and where more than three fail', async (t) => {
    const twice = await ran(t, 0, 2);
    assert.equal(twice.code, 1);
    assert.match(twice.stdout, /once more/);
    const many = await ran(t, 1, 1, 1, 1);
    assert.equal(many.code, 1);
    assert.doesNotMatch(many.stdout, /once more/);
  });
});

describe('native tests', () => {
  it('fail once and are told by name, or fail twice', async (t) => {
    const once = await make(t, { good: 'true', late: ONCE });
    assert.equal(once.code, 0, once.stdout + once.stderr);
    assert.match(once.stdout, /FAILED ONCE.*: late$/m);
    assert.notEqual((await make(t, { good: 'true', bad: 'exit 1' })).code, 0);
  });

  it('fail with what a sanitizer reports, however often', async (t) => {
    const reported = `${ONCE} || exit 66`;
    assert.notEqual((await make(t, { good: 'true', reported })).code, 0);
    assert.notEqual((await make(t, { late: ONCE, reported })).code, 0);
  });
});
