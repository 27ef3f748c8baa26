/**
 * Runs under AddressSanitizer and UBSan: `make sanitize-addon` starts this file with the
 * addon that it built. Any report of any process fails it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { BAD_PROXY } from '../support/bad-proxy.js';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli, killById, run, splicebench, start } from '../support/process.js';
import { roleProcess, rxBytes } from '../support/leaks.js';
import { sanitizerEnvironment, sanitizerReports } from '../support/sanitizer.js';

const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];
const NO_SANITIZER = { LD_PRELOAD: undefined };
const { SPLICEBENCH_ADDON: addon = '' } = sanitizerEnvironment();

describe('the addon under sanitizers', () => {
  after(() => {
    assert.deepEqual(sanitizerReports(), []);
  });

  it('is the instrumented one', () => {
    assert.ok(readFileSync(addon).includes('__asan_report_load'), addon);
  });

  const bugs: Record<string, [string, RegExp]> = {
    'a heap overflow': ['static_cast<char*>(malloc(4))[four] = 1;', /heap-buffer-overflow/],
    'a signed overflow': ['four = 2147483643 + four * two;', /signed integer overflow/],
  };
  for (const [bug, [code, report]] of Object.entries(bugs)) {
    it(`control: ${bug} in a library that node loads is reported`, async (t) => {
      const folder = scratch(t);
      const [source, library] = [join(folder, 'bug.cc'), join(folder, 'bug.node')];
      const start =
        'static volatile int four = 4, two = 2; __attribute__((constructor)) void start()';
      writeFileSync(source, `#include <cstdlib>\n${start} { ${code} }\n`);
      const flags = ['-fsanitize=address,undefined', '-g', '-shared', '-fPIC'];
      const built = await run(t, ['g++', ...flags, '-o', library, source], { env: NO_SANITIZER });
      assert.equal(built.code, 0, built.stderr);
      const env = Object.fromEntries(
        Object.entries(sanitizerEnvironment()).map(([name, value]) => [
          name,
          value.replace(/log_path=.*/, `log_path=${join(folder, 'report')}`),
        ]),
      );
      const script = 'process.dlopen({ exports: {} }, process.argv[1])';
      const { code: exit, stderr } = await run(t, [process.execPath, '-e', script, library], {
        env,
      });
      assert.notEqual(exit, 0);
      // UBSan of GCC reports to standard error only; it ends the process, which no test overlooks.
      const reports = readdirSync(folder).filter((name) => name.startsWith('report'));
      const texts = reports.map((name) => readFileSync(join(folder, name), 'utf8'));
      assert.match([stderr, ...texts].join('\n'), report);
    });
  }

  it('run --quick', async (t) => {
    const out = join(scratch(t), 'run');
    const { code, stderr } = await cli(t, ['run', '--quick', '--out', out]);
    assert.equal(code, 0, stderr);
    const outcomes = new Set(storedTrials(out).map(({ outcome }) => outcome));
    assert.deepEqual([...outcomes].sort(), ['intact', 'unchecked'], stderr);
  });

  it('many connections, both directions, a message size, a proxy that spoils', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { seconds: '300ms', warmup: 0, connections: 20 },
      matrix: { 'workload.direction': ['upload', 'both'], 'workload.message': ['1KiB', null] },
      forwarders: [
        'copy',
        { use: 'splice', pipe: '64KiB' },
        { use: 'command', name: 'swaps', argv: [process.execPath, BAD_PROXY, 'swap', ...PLACES] },
      ],
      baseline: 'copy',
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    const outcomes = storedTrials(out)
      .filter(({ forwarder }) => forwarder !== 'swaps')
      .map(({ outcome, error }) => `${outcome}${error ?? ''}`);
    assert.deepEqual(new Set(outcomes), new Set(['intact']), stderr);
    assert.equal(outcomes.length, 8);
    assert.equal(code, 3, stderr);
  });

  it('roles that die, a run that is interrupted', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { seconds: '20s', warmup: 0, connections: 4 },
      forwarders: ['splice'],
      blocks: { min: 4, max: 4 },
    });
    const out = join(folder, 'run');
    const running = start(t, splicebench('run', scenario, '--out', out));
    for (const [index, victim] of ['source', 'sink', 'forwarder'].entries()) {
      await running.until(`trial ${index + 1}`, () => storedTrials(out).length === index);
      let before: number | null = null;
      await running.until('bytes in flight', () => {
        const sink = roleProcess(running.mark, 'sink');
        if (sink === undefined) return false;
        before ??= rxBytes(sink.pid);
        return rxBytes(sink.pid) > before + 1_000_000;
      });
      killById(roleProcess(running.mark, victim)?.pid ?? 0);
      await running.until('its end', () => storedTrials(out).length === index + 1);
    }
    await running.until('the last', () => roleProcess(running.mark, 'sink') !== undefined);
    running.kill('SIGINT');
    assert.equal((await running.ended).code, 130, running.said());
  });
});
