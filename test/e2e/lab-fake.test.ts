/** The command over a QEMU that boots nothing: what is kept and said, and the exit codes. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { FakeOutcome } from '../support/fake-executor.js';
import { DONE, fakeLab, type FakeLab, guestRun, RUN, STEPS } from '../support/fake-qemu.js';
import { cli, splicebench, start } from '../support/process.js';

const CLEAN: FakeOutcome = { record: { verified_bytes: 1e6 } };
const CORRUPT: FakeOutcome = {
  record: { outcome: 'corrupt', verified_bytes: 1e6, incidents: 7, corrupted_bytes: 56 },
};
const spoiltBySplicing = (forwarder: string) => (forwarder === 'copy' ? CLEAN : CORRUPT);

async function lab(t: TestContext, fake: FakeLab, ...more: string[]) {
  const args = ['lab', '--kernel', fake.kernel, '--out', fake.out, ...more];
  return cli(t, args, { env: fake.env });
}

function assertEnded({ pidFile }: FakeLab): void {
  const pid = Number(readFileSync(pidFile, 'utf8'));
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'a QEMU was left');
}

describe('lab --bisect', () => {
  it('is 0 for a sound kernel and 1 for one that corrupts', async (t) => {
    const sound = fakeLab(t, `${STEPS}; ${RUN}; ${DONE}`);
    await guestRun(sound, () => CLEAN);
    assert.equal((await lab(t, sound, '--bisect')).code, 0);
    const bad = fakeLab(t, `${STEPS}; ${RUN}; ${DONE}`);
    await guestRun(bad, ({ forwarder }) => spoiltBySplicing(forwarder.label));
    assert.equal((await lab(t, bad, '--bisect')).code, 1);
  });

  it('is 125 where it cannot tell: no boot, no image, no such option', async (t) => {
    const silent = fakeLab(t, 'echo Kernel panic - not syncing: no init; exit 0');
    const { code, stderr } = await lab(t, silent, '--bisect');
    assert.equal(code, 125);
    assert.match(stderr, /panicked/);
    assert.equal((await lab(t, { ...silent, kernel: '/nowhere' }, '--bisect')).code, 125);
    assert.equal((await lab(t, silent, '--bisect', '--nci', 'tap')).code, 125);
  });

  it('is 125 where the guest died before its trials were over, 1 where one had found something', async (t) => {
    const dies = `${STEPS}; ${RUN}; echo last words; kill -KILL $$`;
    const clean = fakeLab(t, dies);
    await guestRun(clean, () => CLEAN);
    assert.equal((await lab(t, clean, '--bisect')).code, 125);
    const bad = fakeLab(t, dies);
    await guestRun(bad, ({ forwarder }) => spoiltBySplicing(forwarder.label));
    assert.equal((await lab(t, bad, '--bisect')).code, 1);
  });
});

describe('a guest that does not come to its end', () => {
  it('has what had finished reported, with the last words', async (t) => {
    const fake = fakeLab(t, `${STEPS}; ${RUN}; echo last words; kill -KILL $$`);
    await guestRun(fake, () => CLEAN);
    const { code, stdout, stderr } = await lab(t, fake);
    assert.equal(code, 1);
    assert.match(stdout, /splice/);
    assert.match(stderr, /QEMU was killed \(SIGKILL\)[^]*\| last words/);
    assert.ok(existsSync(join(fake.out, 'report.html')));
    assertEnded(fake);
  });

  it('says what the run inside said, such as on a full results share', async (t) => {
    const fake = fakeLab(
      t,
      `${STEPS}; ${RUN}; echo "splicebench: trials.jsonl: no space left on device"; echo "splicebench-lab: done 1"; exec sleep 60`,
    );
    await guestRun(fake, () => CLEAN);
    const { code, stdout, stderr } = await lab(t, fake);
    assert.equal(code, 1);
    assert.match(stdout, /splice/);
    assert.match(stderr, /the run inside ended with exit code 1[^]*no space left on device/);
    assertEnded(fake);
  });

  it('is ended by Ctrl-C in every phase, with what had finished reported', async (t) => {
    const phases: [string, string, RegExp][] = [
      ['echo booting; exec sleep 60', 'boots', /^$/],
      [`${STEPS}; exec sleep 60`, 'cards', /^$/],
      [`${STEPS}; ${RUN}; echo "splicebench-lab: inside b01"; exec sleep 60`, 'b01', /splice/],
    ];
    for (const [script, word, shown] of phases) {
      const fake = fakeLab(t, script);
      await guestRun(fake, () => CLEAN);
      const argv = splicebench('lab', '--kernel', fake.kernel, '--out', fake.out);
      const running = start(t, argv, { env: fake.env });
      const ready = () => running.stderr.includes(`  ${word}`) && existsSync(fake.pidFile);
      await running.until(`the phase ${word}`, ready);
      running.kill('SIGINT');
      const { code, stdout } = await running.ended;
      assert.equal(code, 130, running.said());
      assert.match(stdout, shown);
      assertEnded(fake);
    }
  });
});

describe('cases of the suite in the guest', () => {
  const matrix = (violation: boolean) => {
    const verdict = violation ? 'fail' : 'pass';
    const cell = { case: 'c', forwarder: 'copy', verdict, violation, failed: 0, conversations: 1 };
    const rest = { runs: [verdict], rate: null, reasons: [], story: [], seconds: 1 };
    const empty = { version: 1, times: 1, cases: [], forwarders: [], seconds: 1 };
    return JSON.stringify({ ...empty, cells: [{ ...cell, ...rest }] });
  };
  const leaves = (violation: boolean) =>
    `${STEPS}; echo '${matrix(violation)}' >"$RESULTS/conformance.json"; ${DONE}`;

  it('decide the exit code where they are all that is asked for', async (t) => {
    const good = fakeLab(t, leaves(false));
    const asked = ['--conformance', 'end-without-data', '--nic', 'e1000e'];
    const { code, stderr } = await lab(t, good, ...asked);
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(join(good.out, 'conformance', 'matrix.csv')));
    assert.equal((await lab(t, fakeLab(t, leaves(true)), ...asked)).code, 3);
  });

  it('are refused without cards, and by a name that is none', async (t) => {
    const fake = fakeLab(t, DONE);
    const wire = await lab(t, fake, '--conformance', 'end-without-data');
    assert.match(wire.stderr, /topology nic needs network cards/);
    const none = await lab(t, fake, '--conformance', 'no-such-case', '--nic', 'e1000e');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no case 'no-such-case'/);
  });
});
