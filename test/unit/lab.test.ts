import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { boot, BootFailed, type Patience } from '../../src/tasks/lab/boot.js';
import { cardsFor, topologyInside } from '../../src/tasks/lab/cards.js';
import { Console, parseSaid, type Said } from '../../src/tasks/lab/console.js';
import { cpio } from '../../src/tasks/lab/cpio.js';
import { hookRecord } from '../../src/tasks/lab/guest-plan.js';
import { machineArgv } from '../../src/tasks/lab/machine.js';
import { ModuleFolder } from '../../src/tasks/lab/modules.js';
import { assertKernel, labLacking } from '../../src/tasks/lab/kernel.js';
import { inMachine, topologyName } from '../../src/data/record/plan.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'splicebench-lab-test-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the lab's first file system", () => {
  it('is in the format that the kernel reads', () => {
    const archive = cpio([
      { path: 'bin', kind: 'folder' },
      { path: 'bin/sh', kind: 'file', data: Buffer.from('odd'), executable: true },
      { path: 'lib', kind: 'link', target: '/host/lib' },
    ]);
    const text = archive.toString('latin1');
    assert.equal(archive.length % 4, 0);
    assert.equal(text.split('070701').length - 1, 4);
    // Mode, then the length of the data, of the program.
    assert.equal(text.slice(text.indexOf('bin/sh') - 96, text.indexOf('bin/sh') - 88), '000081ed');
    assert.ok(text.includes('TRAILER!!!\0'));
  });
});

describe("the guest's modules", () => {
  const module = (depends: string) => Buffer.from(`x\0license=GPL\0depends=${depends}\0name=y\0`);
  it('are loaded with their dependencies first, packed or not', () => {
    writeFileSync(join(folder, 'a.ko'), module('b-c,built'));
    writeFileSync(join(folder, 'b_c.ko'), module(''));
    execFileSync('gzip', [join(folder, 'b_c.ko')]);
    writeFileSync(join(folder, 'modules.builtin'), 'kernel/x/built.ko\n');
    const all = new ModuleFolder(folder);
    assert.deepEqual(
      all.closure(['a']).map(({ name }) => name),
      ['b_c', 'a'],
    );
    assert.throws(() => all.closure(['absent']), /the kernel has no module absent/);
  });

  it('are missed where a folder has none', () => {
    assert.throws(() => new ModuleFolder(folder), /holds no kernel modules/);
  });
});

describe("the guest's console", () => {
  it('understands steps among what the kernel prints, and keeps the rest', () => {
    const said: Said[] = [];
    const console = new Console((one) => said.push(one));
    console.take('[  1.0] hello\r\nsplicebench-lab: shell 6.1');
    console.take('.0\nsplicebench-lab: failed modules: tun does not load: no\n');
    console.take('\x1b[31mlast words');
    assert.deepEqual(said, [
      { step: 'shell', text: '6.1.0' },
      { step: 'failed', at: 'modules', reason: 'tun does not load: no' },
    ]);
    assert.deepEqual(console.lastLines(), ['[  1.0] hello', 'last words']);
  });

  it('tells a panic', () => {
    const console = new Console(() => undefined);
    console.take('[ 1.2] Kernel panic - not syncing: VFS\n');
    assert.equal(console.panic(), 'Kernel panic - not syncing: VFS');
    assert.deepEqual(parseSaid('done 3'), { step: 'done', code: 3 });
  });
});

describe('a boot', () => {
  const patience: Patience = { shell: 20, silence: 20, step: 20, whole: 60 };
  const fake = (script: string, given = patience, signal = new AbortController().signal) =>
    boot({ argv: ['sh', '-c', script], patience: given, signal, log: null });
  const failure = async (script: string, given?: Patience): Promise<BootFailed> => {
    try {
      await fake(script, given);
    } catch (error) {
      assert.ok(error instanceof BootFailed);
      return error;
    }
    assert.fail('it came to its end');
  };
  const SHELL = 'echo splicebench-lab: shell 6.1;';

  it('gives the exit code of what ran inside, and ends a QEMU that does not', async () => {
    const { code, lines } = await fake(
      `${SHELL} echo last; echo splicebench-lab: done 3; exec sleep 60`,
    );
    assert.deepEqual([code, lines], [3, ['last']]);
  });

  it('shows the last lines of a kernel that panics', async () => {
    const { message } = await failure('echo mounting; echo Kernel panic - not syncing: no init');
    assert.match(message, /panicked after its step 'boot': Kernel panic - not syncing: no init/);
    assert.match(message, /\| mounting/);
  });

  it('does not wait for ever for a shell', async () => {
    const { step, message } = await failure('echo Decompressing; exec sleep 60', {
      ...patience,
      shell: 0.3,
    });
    assert.equal(step, 'boot');
    assert.match(message, /did not reach its shell within 0.3 s\n.*\n {2}\| Decompressing/);
  });

  it('does not wait for ever for a guest that hangs', async () => {
    const { message } = await failure(`${SHELL} exec sleep 60`, { ...patience, silence: 0.3 });
    assert.match(message, /no word from the guest for 0.3 s after its step 'shell'/);
  });

  it('does not wait for ever for one that only says that it is there', async () => {
    const beats = 'while :; do echo splicebench-lab: alive node role sink; sleep 0.05; done';
    const { message } = await failure(`${SHELL} ${beats}`, {
      ...patience,
      silence: 5,
      step: 0.4,
    });
    assert.match(message, /nothing new for 0.4 s after the step 'shell'/);
    assert.match(message, /alive node role sink/);
    const endless = `${SHELL} i=0; while :; do i=$((i+1)); echo splicebench-lab: inside $i; sleep 0.05; done`;
    const whole = await failure(endless, { ...patience, whole: 0.5 });
    assert.match(whole.message, /the guest was not done within 0.5 s/);
  });

  it('waits as long as results appear or the kernel talks', async () => {
    let bytes = 0;
    const argv = ['sh', '-c', `${SHELL} sleep 1.2; echo splicebench-lab: done 0; exec sleep 60`];
    const signal = new AbortController().signal;
    const { code } = await boot({
      argv,
      patience: { ...patience, silence: 0.4 },
      signal,
      log: null,
      results: () => ++bytes,
    });
    assert.equal(code, 0);
    const talks = 'for i in 1 2 3 4 5 6; do echo "[ $i ] a driver"; sleep 0.5; done;';
    const patient = { ...patience, silence: 2 };
    const { lines } = await fake(
      `${talks} ${SHELL} echo splicebench-lab: done 0; exec sleep 60`,
      patient,
    );
    assert.equal(lines.length, 6);
  });

  it('says which step failed', async () => {
    const said = 'failed shares: the folder cannot be mounted (9p over virtio): No such device';
    const { step, message } = await failure(
      `${SHELL} echo "splicebench-lab: ${said}"; exec sleep 60`,
    );
    assert.equal(step, 'shares');
    assert.match(message, /9p over virtio\): No such device/);
  });

  it('tells a QEMU that is killed, that ends early and that is absent', async () => {
    assert.match((await failure(`${SHELL} kill -KILL $$`)).message, /QEMU was killed \(SIGKILL\)/);
    const { message } = await failure('echo no such card >&2; exit 1');
    assert.match(message, /QEMU ended \(exit code 1\)/);
    assert.match(message, /QEMU: no such card/);
    const signal = new AbortController().signal;
    const absent = boot({ argv: [join(folder, 'qemu')], patience, signal, log: null });
    await assert.rejects(absent, /QEMU could not be started/);
  });

  it('leaves nothing when it is interrupted', async () => {
    const file = join(folder, 'pid');
    const stop = new AbortController();
    const running = fake(`echo $$ > ${file}; ${SHELL} exec sleep 60`, patience, stop.signal);
    setTimeout(() => {
      stop.abort(new Error('interrupted'));
    }, 300);
    await assert.rejects(running, /interrupted/);
    const pid = Number(readFileSync(file, 'utf8'));
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});

describe("the lab's machine", () => {
  it('has the cards on their wires, and only the folders that it is given', () => {
    const loopback = { kind: 'loopback', congestion: 'cubic', sysctls: {} } as const;
    const argv = machineArgv({
      qemu: 'qemu',
      kernel: 'k',
      initramfs: 'i',
      accelerator: 'tcg',
      cpus: 2,
      append: 'x=1',
      nic: 'e1000e',
      cards: cardsFor([loopback]),
      shares: { host: '/a,b', results: '/r' },
      monitor: null,
    });
    assert.equal(argv.filter((word) => word.startsWith('hubport')).length, 4);
    assert.equal(argv.filter((word) => word.startsWith('local,')).length, 2);
    assert.ok(argv.some((word) => word.includes('path=/a,,b,') && word.endsWith('readonly=on')));
    assert.ok(argv.some((word) => word.endsWith('x=1')));
    const inside = topologyInside(loopback, 'e1000e');
    assert.equal(topologyName(inside), 'vm:e1000e');
    assert.ok(inMachine({ topology: topologyName(inside) }));
    assert.ok(!inMachine({ topology: topologyName(loopback) }));
  });

  it('refuses what is no kernel, and another architecture', () => {
    writeFileSync(join(folder, 'k'), 'nothing');
    assert.throws(() => {
      assertKernel(join(folder, 'k'));
    }, /is not an x86 kernel image/);
    assert.match(labLacking('arm64') ?? '', /x86-64/);
  });

  it('counts what the module met in one trial', () => {
    const none = { calls: 1, slab_heads: 2, other_heads: 3, raised: 4, missed: 0, refused: 1 };
    assert.deepEqual(hookRecord('t', none, { ...none, slab_heads: 9 }), {
      trial_id: 't',
      calls: 0,
      slab_heads: 7,
      other_heads: 0,
      raised: 0,
      missed: 0,
      refused: 0,
    });
  });
});
