/** Several sources and sinks at one forwarder, on hosts that are namespaces. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { LabHosts } from '../support/lab-hosts.js';
import { assertNothingLeft } from '../support/leaks.js';
import { killById, MAIN, type Running, splicebench, start } from '../support/process.js';
import { requireRoot, requireTools } from '../support/require-tool.js';

const tools = requireTools('ssh', 'sshd', 'ssh-keygen', 'ip', 'ss', 'unshare', 'nsenter', 'socat');
const skip = tools.skip || requireRoot().skip;

const SHORT = { seconds: '400ms', warmup: '100ms', connections: 4, direction: 'both' };
const OWN = [process.execPath, MAIN];
/** Further addresses of the same hosts: two programs send from one machine, and two receive. */
const SECOND = { source: '198.18.0.3', sink: '198.18.1.3' };

describe('several sources and sinks', { skip }, () => {
  const lab = new LabHosts();
  before(async () => {
    await lab.start();
    for (const part of ['source', 'sink'] as const) {
      lab.inside(part, 'ip', 'addr', 'add', `${SECOND[part]}/24`, 'dev', 'to-forwarder');
    }
  });
  after(() => lab.end());

  function run(t: TestContext, keys: Record<string, unknown>): { running: Running; out: string } {
    const folder = scratch(t);
    const ends = (part: 'source' | 'sink') => [
      lab.ssh(part, { splicebench: OWN }),
      { prefix: lab.prefix(part), address: SECOND[part], splicebench: OWN },
    ];
    const forwarder = lab.ssh('forwarder', { splicebench: OWN });
    const path = writeScenario(folder, {
      topology: { kind: 'hosts', source: ends('source'), forwarder, sink: ends('sink') },
      workload: SHORT,
      blocks: { min: 1, max: 1 },
      ...keys,
    });
    const out = join(folder, 'run');
    return { running: start(t, lab.control(...splicebench('run', path, '--out', out))), out };
  }

  it('carry at the same time, and are counted together', async (t) => {
    const { running, out } = run(t, { forwarders: ['direct', 'poc', 'splice', 'copy', 'socat'] });
    assert.equal((await running.ended).code, 0, running.said());
    const trials = storedTrials(out);
    // The program of 2008 serves one connection and one direction: each pair has two of both.
    assert.deepEqual(
      trials.map(({ forwarder }) => forwarder).sort(),
      ['copy', 'direct', 'socat', 'splice'],
      running.said(),
    );
    for (const trial of trials) {
      assert.equal(trial.outcome, 'intact', trial.error ?? '');
      assert.equal(Number(trial.verified_bytes) > 0, true);
      assert.equal((trial['transfer_fates'] as { intact: number }).intact, 4);
      const { pairs } = trial['forwarder_detail'] as { pairs?: number };
      assert.equal(pairs, 2, trial.forwarder);
      assert.ok(Number(trial['packets']) > 0);
      assert.ok((trial['series'] as unknown[]).length > 0);
      assert.equal((trial['placement'] as Record<string, number[]>)['source']?.length, 2);
    }
    const splice = trials.find(({ forwarder }) => forwarder === 'splice');
    assert.ok(Number(splice?.['syscalls']) > 0 && splice?.['syscall_source'] === 'own');
    const report = readFileSync(join(out, 'report.md'), 'utf8');
    assert.match(report, /2 pairs of source and sink/);
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
  });

  it('are told apart: what goes wrong in either pair is found there', async (t) => {
    const faulty = { use: 'faulty', fault: 'bit-flip', at: '64KiB' };
    // An amount, not a time: of what goes on for long a forwarder keeps only the last calls.
    const workload = { connections: 4, direction: 'download', bytes: '1MiB', check: 'full' };
    const { running, out } = run(t, { forwarders: [faulty], workload });
    assert.equal((await running.ended).code, 3, running.said());
    const [trial] = storedTrials(out);
    assert.equal(trial?.outcome, 'corrupt');
    assert.equal((trial['transfer_fates'] as { corrupt: number }).corrupt, 4);
    const incidents = readFileSync(join(out, 'incidents.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { connection: number; calls: unknown[] });
    assert.deepEqual(incidents.map(({ connection }) => connection).sort(), [0, 1, 2, 3]);
    // The calls are those of the pair's own forwarder.
    assert.ok(incidents.every(({ calls }) => calls.length > 0));
  });

  it('fail together when one of them dies, and leave nothing', async (t) => {
    const { running, out } = run(t, {
      forwarders: ['copy'],
      blocks: { min: 2, max: 2 },
      workload: { ...SHORT, seconds: '1s' },
    });
    await running.until('a trial', () => storedTrials(out).length === 1);
    await running.until('sources', () => lab.roles().some(({ name }) => name === 'source'));
    const source = lab.roles().find(({ name }) => name === 'source');
    assert.ok(source);
    killById(source.pid);
    assert.equal((await running.ended).code, 1, running.said());
    const trials = storedTrials(out);
    assert.deepEqual(
      trials.map(({ outcome }) => outcome),
      ['intact', 'failed'],
    );
    assert.match(trials[1]?.error ?? '', /source/);
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
  });
});
