/** `noise` on real sockets: what it says, keeps, and what a later run and the doctor make of it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';

interface Noise {
  forwarder: string;
  sets: number;
  metrics: { metric: string; ratio: number; shown: { seconds: number }[] }[];
}

describe('splicebench noise', () => {
  it('compares a forwarder with itself, keeps what it finds, and later runs quote it', async (t) => {
    const folder = scratch(t);
    const env = { XDG_STATE_HOME: join(folder, 'state') };
    const out = join(folder, 'noise');
    const args = ['noise', '--seconds', '12', '--forwarder', 'splice', '--json', '--out', out];
    const { code, stdout, stderr } = await cli(t, args, { env });
    assert.equal(code, 0, stderr);
    const noise = JSON.parse(stdout) as Noise;
    assert.equal(noise.forwarder, 'splice');
    assert.ok(noise.sets >= 2);
    const names = noise.metrics.map(({ metric }) => metric);
    assert.deepEqual(names, ['goodput', 'forwarder_cpu_per_gb', 'system_cpu_per_gb']);
    for (const { ratio } of noise.metrics) assert.ok(ratio > 0);
    assert.match(stderr, /splice against itself: \d+ sets/);
    assert.ok(existsSync(join(env.XDG_STATE_HOME, 'splicebench', 'noise.json')));
    assert.deepEqual(JSON.parse(readFileSync(join(out, 'noise.json'), 'utf8')), noise);
    const trials = storedTrials(out);
    assert.equal(new Set(trials.map(({ forwarder }) => forwarder)).size, 2);

    const scenario = writeScenario(folder, {
      workload: { seconds: '200ms', warmup: 0, check: 'none' },
      forwarders: ['copy', 'splice'],
      baseline: 'copy',
      blocks: { min: 1, max: 1 },
    });
    const run = join(folder, 'run');
    const after = await cli(t, ['run', scenario, '--out', run], { env });
    assert.equal(after.code, 0, after.stderr);
    assert.match(
      after.stdout.replaceAll(/\s+/g, ' '),
      /Noise of this host .*splice against itself/,
    );
    assert.match(readFileSync(join(run, 'report.md'), 'utf8'), /Noise of this host/);
    const doctor = await cli(t, ['doctor', '--json'], { env });
    assert.equal(doctor.code, 0, doctor.stderr);
  });

  it('an unknown forwarder, no time: told and refused', async (t) => {
    const cwd = scratch(t);
    const unknown = await cli(t, ['noise', '--forwarder', 'spilce'], { cwd });
    assert.equal(unknown.code, 2, unknown.stderr);
    assert.match(unknown.stderr, /spilce.*splice/);
    const none = await cli(t, ['noise', '--seconds', '0'], { cwd });
    assert.equal(none.code, 2, none.stderr);
  });
});
