/**
 * A QEMU that boots nothing: it says on the console what a test has it say, and leaves in the results
 * folder a run that the test made. Everything else of the lab is real.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { RECORD_VERSION, type RunManifest } from '../../src/data/record/record.js';
import { RunStore } from '../../src/data/results/store.js';
import { FakeExecutor, type FakeBehaviour } from './fake-executor.js';
import { runSchedule } from '../../src/experiment/trial/schedule.js';
import type { HookRecord } from '../../src/tasks/lab/guest-plan.js';
import { scenarioOf } from '../unit/scenario-fixtures.js';
import { scratch } from './folder.js';
import { writeProgram } from './tree.js';

/** A host with such a QEMU. */
export interface FakeLab {
  folder: string;
  /** An image that looks like one. */
  kernel: string;
  /** Where the command leaves its run. */
  out: string;
  /** With the fake before everything else. */
  env: { PATH: string };
  /** File with the fake's pid, once it runs. */
  pidFile: string;
}

/** What the guest says when all goes well, up to the run. */
export const STEPS = ['shell 6.1.0', 'modules', 'shares', 'cards source0']
  .map((step) => `echo "splicebench-lab: ${step}"`)
  .join('; ');
/** Puts what `guestRun` made where the run belongs. */
export const RUN = `cp "$LEFT"/* "$RESULTS"/`;
export const DONE = `echo "splicebench-lab: done 0"; exec sleep 60`;

/** @param script what the fake does, in sh; a boot under KVM always fails */
export function fakeLab(t: TestContext, script: string): FakeLab {
  const folder = scratch(t);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  mkdirSync(join(folder, 'left'));
  const program = (name: string, text: string) => {
    writeProgram(bin, name, text);
  };
  program('busybox', 'exit 0');
  program(
    'qemu-system-x86_64',
    `case "$*" in *'-accel kvm'*) exit 1;; esac
echo $$ >'${join(folder, 'pid')}'
LEFT='${join(folder, 'left')}'
RESULTS=$(printf '%s\\n' "$@" | sed -n 's/^local,id=results,path=\\([^,]*\\),.*/\\1/p')
${script}`,
  );
  const image = Buffer.alloc(1024);
  image.write('HdrS', 0x202, 'latin1');
  writeFileSync(join(folder, 'bzImage'), image);
  return {
    folder,
    kernel: join(folder, 'bzImage'),
    out: join(folder, 'run'),
    env: { PATH: [bin, process.env['PATH'] ?? ''].join(delimiter) },
    pidFile: join(folder, 'pid'),
  };
}

/** What the guest left: a run of poc, splice and copy whose trials yield what the test says. */
export async function guestRun(
  { folder }: FakeLab,
  behaviour: FakeBehaviour,
  met: (forwarder: string) => Partial<HookRecord> | null = () => null,
): Promise<void> {
  const left = join(folder, 'left');
  const scenario = scenarioOf(`name: lab
workload: { bytes: 1MiB, mode: solo }
forwarders: [poc, splice, copy]
blocks: { min: 1, max: 1 }
`);
  const manifest: RunManifest = {
    version: RECORD_VERSION,
    run_id: 'lab',
    splicebench: '0',
    started: '2026-01-01T00:00:00.000Z',
    finished: null,
    interrupted: false,
    seed: '1',
    scenarios: [scenario],
    environment: [],
    stopping: {},
    unavailable: [],
  };
  const store = await RunStore.create(left, manifest);
  const hook: string[] = [];
  const { cells, forwarders, blocks } = scenario;
  await runSchedule({
    cells,
    forwarders,
    blocks,
    seed: '1',
    signal: new AbortController().signal,
    executor: new FakeExecutor(behaviour),
    store,
    onEvent: (event) => {
      if (event.event !== 'trial-end') return;
      const { trial_id, forwarder } = event.record;
      const seen = met(forwarder);
      const none = { calls: 0, slab_heads: 0, other_heads: 0, raised: 0, missed: 0 };
      if (seen !== null) hook.push(JSON.stringify({ trial_id, ...none, ...seen }));
    },
  });
  await store.close();
  if (hook.length > 0) writeFileSync(join(left, 'hook.jsonl'), `${hook.join('\n')}\n`);
}
