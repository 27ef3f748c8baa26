/** Runs the controls: which detectors are proven on this host. */
import { wordsOf } from '../../base/errors/words.js';
import { forwarderKinds } from '../../machine/forwarders/registry.js';
import type { ForwarderKind } from '../../machine/forwarders/kind.js';
import { type FoundOn, thisHost } from '../../machine/host/kept-results.js';
import { native } from '../../data/native/native.js';
import type { Handover } from '../../data/native/native-surface.js';
import type { PlannedTrial } from '../../data/record/plan.js';
import { topologySchema } from '../../experiment/scenario/schema.js';
import { completeTopology } from '../../experiment/scenario/topology.js';
import { derivedSeed } from '../../base/statistics/random.js';
import type { Conductor } from '../../experiment/measure/session.js';
import type { TrialResult } from '../../data/record/trial-result.js';
import { faultyConductor } from './conductor.js';
import { type Control, type ControlResult, workloadOf } from './control.js';
import { allControls } from './controls.js';
import { type DetectorResult, judgeControl, judgeDetectors } from './judge-control.js';

/** Controls measure no speed, and most of their time is the start of processes. */
const AT_ONCE = 3;

export interface SelftestResult extends FoundOn {
  version: 1;
  /** ISO 8601. */
  finished: string;
  seconds: number;
  detectors: DetectorResult[];
}

/** Runs a planned trial in the way that a conductor says. */
export interface LabExecutor {
  run(trial: PlannedTrial, signal: AbortSignal, conduct: Conductor): Promise<TrialResult>;
}

export interface SelftestSetting {
  executor: LabExecutor;
  signal: AbortSignal;
  /** Default: every control that this host's forwarders allow. */
  controls?: readonly Control[];
  kinds?: ReadonlyMap<string, ForwarderKind>;
  /** See NativeAddon.probeHandover. */
  probe?: (handover: Handover) => { overwritten: number; changed: number };
  /** Told of each control as it is over. */
  onControl?: (control: Control, result: ControlResult) => void;
}

/**
 * Runs all controls.
 * @throws the signal's reason when aborted
 */
export async function runSelftest(setting: SelftestSetting): Promise<SelftestResult> {
  const kinds = setting.kinds ?? forwarderKinds;
  const controls = setting.controls ?? allControls(await honestMechanisms(kinds));
  const started = performance.now();
  const results: { detector: Control['detector']; result: ControlResult }[] = [];
  let next = 0;
  const worker = async () => {
    while (next < controls.length) {
      const position = next++;
      const control = controls[position];
      if (control === undefined) return;
      const result = await runControl(control, position, kinds, setting);
      setting.onControl?.(control, result);
      results[position] = { detector: control.detector, result };
    }
  };
  // All have ended, whatever became of one, before the caller takes away what they run on.
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  return {
    version: 1,
    ...thisHost(),
    finished: new Date().toISOString(),
    seconds: (performance.now() - started) / 1e3,
    detectors: judgeDetectors(results),
  };
}

/** Built-in mechanisms that can run here as they are and should lose nothing, and no forwarder at all. */
async function honestMechanisms(kinds: ReadonlyMap<string, ForwarderKind>): Promise<string[]> {
  const names: string[] = [];
  for (const { use, runner, damaging, lossy, options, unavailable } of kinds.values()) {
    if (
      damaging ||
      lossy !== undefined ||
      runner.kind === 'command' ||
      !options.safeParse({}).success
    )
      continue;
    if ((await unavailable({})) === null) names.push(use);
  }
  return names;
}

async function runControl(
  control: Control,
  position: number,
  kinds: ReadonlyMap<string, ForwarderKind>,
  { executor, signal, probe = (handover) => native().probeHandover(handover) }: SelftestSetting,
): Promise<ControlResult> {
  const trial = trialOf(control, position, kinds);
  const kind = kinds.get(control.forwarder.use);
  const lacking =
    kind === undefined
      ? `no forwarder '${control.forwarder.use}'`
      : ((await kind.unavailable(trial.forwarder.options)) ??
        kind.refuses(trial.cell.workload, trial.forwarder.options) ??
        notByReference(control, probe));
  if (lacking !== null) return { name: control.name, verdict: 'unavailable', evidence: lacking };
  let overwritten = 0;
  const conduct = faultyConductor(
    control.source ?? null,
    workloadOf(control),
    (bytes) => (overwritten = bytes),
  );
  const { record, incidents } = await executor.run(trial, signal, conduct);
  return judgeControl(control, { record, incidents, overwritten });
}

/** Why writing over what was handed over cannot show here; asked of the kernel, not of the checker. */
function notByReference(
  control: Control,
  probe: (handover: Handover) => { overwritten: number; changed: number },
): string | null {
  const handover = handoverOf(control);
  if (handover === null || handover === 'send') return null;
  try {
    const { changed } = probe(handover);
    return changed > 0 ? null : `this kernel copies what ${handover} hands over`;
  } catch (error) {
    return `${handover}: ${wordsOf(error)}`;
  }
}

/** How the bytes that are written over came to the kernel; null = none are. */
function handoverOf({ source, expect }: Control): Handover | null {
  if (expect.kind === 'reused') return 'zerocopy';
  if (source === undefined) return null;
  return source.kind === 'graded' ? 'vmsplice' : source.handover;
}

/** The seed is the control's own, so that it sends the same bytes each time. */
function trialOf(
  control: Control,
  position: number,
  kinds: ReadonlyMap<string, ForwarderKind>,
): PlannedTrial {
  const { use, options = {} } = control.forwarder;
  return {
    run_id: 'selftest',
    trial_id: `${String(position).padStart(3, '0')} ${control.name}`,
    block: 0,
    position,
    cell: {
      key: control.name,
      scenario: 'selftest',
      topology: completeTopology(topologySchema.parse({})),
      workload: workloadOf(control),
      baseline: use,
      pin: null,
    },
    forwarder: { label: use, use, options: kinds.get(use)?.options.parse(options) ?? {} },
    seed: derivedSeed('2008', 'selftest', control.name),
  };
}
