/** `selftest` on real sockets, what later runs say of it, and a user's scenario with `use: faulty`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { scratchFolder, storedIncidents, storedTrials, writeScenario } from '../support/folder.js';
import { markedProcesses, roleProcess } from '../support/leaks.js';
import { type Ended, Running, splicebench, until } from '../support/process.js';

interface Result {
  detectors: {
    detector: string;
    verdict: string;
    controls: { name: string; verdict: string; evidence: string }[];
  }[];
}

async function cli(state: string, ...args: string[]): Promise<Ended> {
  const env = { XDG_STATE_HOME: state };
  const running = new Running(splicebench(...args), { env, deadline: 300_000 });
  try {
    return await running.ended;
  } finally {
    await running.clean();
  }
}

describe('selftest', () => {
  const { folder, remove } = scratchFolder();
  const state = join(folder, 'state');
  let ended: Ended;
  let result: Result;

  before(async () => {
    ended = await cli(state, 'selftest', '--json');
    result = JSON.parse(ended.stdout) as Result;
  });
  after(remove);

  it('proves every detector that this host allows, and ends with 0', () => {
    assert.equal(ended.code, 0, ended.stderr);
    for (const { detector, verdict, controls } of result.detectors) {
      assert.notEqual(verdict, 'unproven', `${detector}: ${JSON.stringify(controls)}`);
    }
    // What needs no reference to memory can be tried on every host.
    const proven = result.detectors.filter(({ verdict }) => verdict === 'proven');
    assert.ok(proven.length >= 13, ended.stderr);
  });

  it('tells a copying path from one that passes references on', (t) => {
    const controls = result.detectors.flatMap((one) => one.controls);
    const evidence = (name: string) => controls.find((one) => one.name === name);
    const spliced = evidence('vmsplice through splice');
    if (spliced?.verdict === 'unavailable') {
      t.skip(spliced.evidence);
      return;
    }
    assert.match(spliced?.evidence ?? '', /^100 % of/);
    assert.match(evidence('vmsplice through copy')?.evidence ?? '', /none of it arrived/);
  });

  it('is quoted by every report of a later run', async () => {
    const out = join(folder, 'run');
    const scenario = writeScenario(folder, {
      workload: { bytes: '8MiB' },
      forwarders: ['copy'],
      blocks: { min: 1, max: 1 },
    });
    const run = await cli(state, 'run', scenario, '--out', out);
    assert.equal(run.code, 0, run.stderr);
    const wanted = /Detectors proven on this host \d{4}-\d\d-\d\d: \d+ of 15/;
    assert.match(run.stdout, wanted);
    assert.match(readFileSync(join(out, 'report.md'), 'utf8'), wanted);
    assert.match(readFileSync(join(out, 'report.html'), 'utf8'), wanted);
  });

  it('is missed by a run on a host without one', async () => {
    const out = join(folder, 'untested');
    const scenario = writeScenario(folder, {
      workload: { bytes: '8MiB' },
      forwarders: ['copy'],
      blocks: { min: 1, max: 1 },
    });
    const run = await cli(join(folder, 'nothing'), 'run', scenario, '--out', out);
    assert.match(run.stdout, /Detectors: unproven, no selftest was made on this host/);
    assert.match(readFileSync(join(out, 'report.md'), 'utf8'), /run splicebench selftest/);
  });

  it('lets users break streams in scenarios of their own', async () => {
    const out = join(folder, 'faulty');
    const scenario = writeScenario(folder, {
      workload: { bytes: '4MiB' },
      forwarders: [
        'copy',
        { use: 'faulty', fault: 'decoy', at: '1MiB', every: '1MiB', length: 500 },
      ],
      blocks: { min: 1, max: 1 },
    });
    const run = await cli(state, 'run', scenario, '--out', out);
    assert.equal(run.code, 3, run.stderr);
    const incidents = storedIncidents(out);
    assert.deepEqual(
      incidents.map((incident) => [incident.class, incident.offset, incident.length]),
      [1, 2, 3].map((mib) => ['decoy', mib * 1024 * 1024, 500]),
    );
    const outcomes = storedTrials(out).map(({ forwarder, outcome }) => [forwarder, outcome]);
    assert.deepEqual(Object.fromEntries(outcomes), { copy: 'intact', faulty: 'corrupt' });
  });

  it('is not offered among the forwarders that one may want to use', async () => {
    const list = await cli(state, 'list');
    assert.doesNotMatch(list.stdout, /faulty/);
  });

  it('leaves nothing behind when interrupted, and stores nothing', async () => {
    const elsewhere = join(folder, 'interrupted');
    const running = new Running(splicebench('selftest'), { env: { XDG_STATE_HOME: elsewhere } });
    try {
      await running.until(
        'roles are at work',
        () => roleProcess(running.mark, 'sink') !== undefined,
      );
      running.kill('SIGINT');
      assert.equal((await running.ended).code, 130);
      await until('all has ended', () => markedProcesses(running.mark).length === 0);
    } finally {
      await running.clean();
    }
    assert.throws(() => readFileSync(join(elsewhere, 'splicebench', 'selftest.json')));
  });
});
