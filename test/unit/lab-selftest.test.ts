/** The selftest without traffic: what is left out, what is stored, what reports say of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { allControls } from '../../src/tasks/selftest/controls.js';
import { detectorSentence, selftestTable } from '../../src/tasks/selftest/proof-text.js';
import {
  proofFile,
  provenDetectors,
  provenDetectorsFor,
  storeProof,
} from '../../src/tasks/selftest/proof.js';
import { thisHost } from '../../src/machine/host/kept-results.js';
import { runSelftest, type SelftestResult } from '../../src/tasks/selftest/selftest.js';
import type { Cell, HostSpec } from '../../src/data/record/plan.js';
import { FakeExecutor } from '../support/fake-executor.js';

const BY_REFERENCE = { overwritten: 100, changed: 100 };

function selftest(
  behaviour: ConstructorParameters<typeof FakeExecutor>[0],
  changed = BY_REFERENCE.changed,
  signal = new AbortController().signal,
): Promise<SelftestResult> {
  const probe = () => ({ overwritten: 100, changed });
  return runSelftest({
    executor: new FakeExecutor(behaviour),
    signal,
    probe,
    controls: allControls(['copy']),
  });
}

function verdicts(result: SelftestResult): Record<string, string> {
  return Object.fromEntries(result.detectors.map(({ detector, verdict }) => [detector, verdict]));
}

describe('runSelftest', () => {
  it('proves nothing with a checker that finds nothing', async () => {
    const result = await selftest(() => ({ record: { outcome: 'intact', check: 'full' } }));
    for (const [detector, verdict] of Object.entries(verdicts(result))) {
      assert.equal(verdict, 'unproven', detector);
    }
  });

  it('calls controls unavailable, not proven, where the kernel copies', async () => {
    const result = await selftest(() => ({ record: { outcome: 'intact', check: 'full' } }), 0);
    assert.equal(verdicts(result)['incidence'], 'unavailable');
    const memory = result.detectors.find(({ detector }) => detector === 'overwritten memory');
    const said = memory?.controls.map(({ verdict, evidence }) => `${verdict}: ${evidence}`) ?? [];
    assert.ok(said.includes('unavailable: this kernel copies what vmsplice hands over'));
    assert.ok(!said.some((line) => line.startsWith('proven')));
  });

  it('ends with the interruption', async () => {
    const controller = new AbortController();
    controller.abort(new Error('interrupted'));
    await assert.rejects(
      selftest(() => ({}), 100, controller.signal),
      /interrupted/,
    );
  });
});

describe('the stored proof', () => {
  const folder = mkdtempSync(join(tmpdir(), 'splicebench-proof-'));
  const path = join(folder, 'state', 'selftest.json');
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const host = thisHost();
  const result: SelftestResult = {
    version: 1,
    ...host,
    finished: '2026-11-23T10:00:00.000Z',
    seconds: 40,
    detectors: [
      { detector: 'zeros', verdict: 'proven', controls: [] },
      { detector: 'decoy', verdict: 'unproven', controls: [] },
      { detector: 'incidence', verdict: 'unavailable', controls: [] },
    ],
  };

  it('is for this host, kernel and build only', async () => {
    assert.deepEqual(await provenDetectors(path), {
      state: 'untested',
      reason: 'no selftest was made on this host',
    });
    await storeProof(result, path);
    await storeProof(result, path);
    assert.equal((JSON.parse(readFileSync(path, 'utf8')) as unknown[]).length, 1);
    const own = await provenDetectors(path);
    assert.deepEqual(own, {
      state: 'tested',
      when: result.finished,
      proven: ['zeros'],
      unproven: ['decoy'],
      unavailable: ['incidence'],
    });
    for (const [change, reason] of [
      [{ kernel: 'other' }, /another kernel/],
      [{ build: '0123456789ab' }, /another build/],
      [{ host: 'other' }, /on this host/],
    ] as const) {
      const elsewhere = await provenDetectors(path, { ...host, ...change });
      assert.equal(elsewhere.state, 'untested');
      assert.match(detectorSentence(elsewhere), reason);
      assert.match(detectorSentence(elsewhere), /run splicebench selftest/);
    }
  });

  it('is not quoted where the bytes are compared on other hosts', async () => {
    const local: HostSpec = {
      ...{ reach: { by: 'local' }, address: '127.0.0.1', upstream: '127.0.0.1' },
    } as HostSpec;
    const far = { ...local, reach: { by: 'ssh', host: 'far', options: [] } } as HostSpec;
    const run = (sink: HostSpec, forwarder: HostSpec) => [
      {
        cells: [
          {
            topology: {
              ...{ kind: 'hosts', congestion: null, sysctls: {} },
              ...{ source: [local], forwarder, sink: [sink] },
            },
          } as unknown as Cell,
        ],
      },
    ];
    const elsewhere = await provenDetectorsFor(run(far, local), path);
    assert.match(detectorSentence(elsewhere), /unproven, the bytes are compared on other hosts/);
    // The forwarder compares nothing.
    assert.equal((await provenDetectorsFor(run(local, far), path)).state, 'tested');
  });

  it('says which are not proven', async () => {
    assert.equal(
      detectorSentence(await provenDetectors(path)),
      'Detectors proven on this host 2026-11-23: 1 of 3; NOT proven: decoy; unavailable: incidence.',
    );
    assert.match(detectorSentence(undefined), /unproven/);
  });

  it('is no proof when damaged', async () => {
    writeFileSync(path, '[{"version": 1, "detectors": "all of them"}]');
    assert.equal((await provenDetectors(path)).state, 'untested');
  });

  it('is found by XDG_STATE_HOME, where that is an absolute path', () => {
    assert.equal(proofFile({ XDG_STATE_HOME: '/s' }), '/s/splicebench/selftest.json');
    assert.match(proofFile({ XDG_STATE_HOME: 'relative' }), /\/\.local\/state\/splicebench\//);
  });
});

describe('selftestTable', () => {
  it('marks the control that differs from its detector', () => {
    const table = selftestTable([
      {
        detector: 'zeros',
        verdict: 'unproven',
        controls: [
          { name: 'a', verdict: 'proven', evidence: 'seen' },
          { name: 'b', verdict: 'unproven', evidence: 'nothing found' },
        ],
      },
    ]);
    assert.match(table, /^unproven +zeros\n +PROVEN a +seen\n +b +nothing found$/);
  });
});
