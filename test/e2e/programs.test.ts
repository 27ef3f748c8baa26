/** `use: command`: files, probes, and programs that never become ready. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft } from '../support/leaks.js';
import { splicebench, start } from '../support/process.js';

const RELAY =
  'require("net").createServer((a) => { const b = require("net").connect(+process.argv[4], process.argv[3]);' +
  ' a.pipe(b); b.pipe(a); a.on("error", () => b.destroy()); b.on("error", () => a.destroy()); })' +
  '.listen(+process.argv[2], process.argv[1])';
const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];
const SERVE = [process.execPath, '-e', RELAY, ...PLACES];

/** Runs one trial of a program and returns it. */
async function trialOf(t: TestContext, program: Record<string, unknown>) {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    workload: { bytes: '1MiB' },
    forwarders: [{ use: 'command', name: 'program', ...program }],
    blocks: { min: 1, max: 1 },
  });
  const out = join(folder, 'run');
  const running = start(t, splicebench('run', scenario, '--out', out));
  const { code, stderr } = await running.ended;
  await assertNothingLeft(running.mark, new Set());
  const [trial] = storedTrials(out);
  assert.ok(trial !== undefined, stderr);
  return { code, trial };
}

describe('a program that becomes ready', () => {
  it('finds its files in {dir}, filled in, and works there', async (t) => {
    const { trial } = await trialOf(t, {
      argv: [process.execPath, '{dir}/relay.js', ...PLACES],
      cwd: '{dir}',
      env: { FOLDER: '{dir}' },
      files: {
        'relay.js': `
          const [, , port] = require('fs').readFileSync('places', 'utf8').split(' ');
          if (port !== process.argv[3] || process.env.FOLDER !== __dirname) throw new Error('not filled in');
          process.argv.splice(1, 1);
          ${RELAY};`,
        places: 'listen {listen.host} {listen.port}',
      },
    });
    assert.equal(trial.outcome, 'intact', trial.error ?? '');
  });

  it('by what it prints', async (t) => {
    const late = `setTimeout(() => console.log("now ready"), 300); ${RELAY}`;
    const { trial } = await trialOf(t, {
      argv: [process.execPath, '-e', late, ...PLACES],
      probe: { output: 'now ready' },
    });
    assert.equal(trial.outcome, 'intact', trial.error ?? '');
  });

  it('by a command', async (t) => {
    const { trial } = await trialOf(t, {
      argv: SERVE,
      probe: {
        command: [
          'sh',
          '-c',
          'grep -qi ":$(printf %04x "$0") .* 0A " /proc/net/tcp',
          '{listen.port}',
        ],
      },
    });
    assert.equal(trial.outcome, 'intact', trial.error ?? '');
  });
});

describe('a program that never becomes ready: its trial fails with the reason', () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    [
      'never listens',
      { argv: ['sleep', '60'], ready: '1s' },
      /sleep: did not listen on port \d+ within 1 s/,
    ],
    [
      'never prints it',
      { argv: SERVE, probe: { output: 'ready' }, ready: '1s' },
      /did not print 'ready' within 1 s/,
    ],
    [
      'never satisfies the command',
      { argv: SERVE, probe: { command: ['false'] }, ready: '1s' },
      /the probe 'false' did not succeed within 1 s/,
    ],
    [
      'exits at once',
      { argv: ['sh', '-c', 'echo starting; echo "error: no luck" >&2; echo bye; exit 3'] },
      /sh: ended \(exit code 3\): error: no luck/,
    ],
    ['is absent', { argv: ['no-such-program'] }, /no-such-program: no such program/],
  ];
  for (const [what, program, expected] of cases) {
    it(what, async (t) => {
      const { code, trial } = await trialOf(t, program);
      assert.equal(code, 1);
      assert.equal(trial.outcome, 'failed');
      assert.match(trial.error ?? '', expected);
    });
  }
});
