/** A trial of `workload.kind: script`: rounds of conversations, each judged by its expectations. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScriptWorkload } from '../../../data/record/plan.js';
import type { Incident } from '../../../data/record/record.js';
import { type Holdings, leftOver } from '../../../machine/role/holdings.js';
import type { ConductedTrial, SessionSetting } from '../../measure/session.js';
import type { Side } from '../../measure/endpoints.js';
import { takeMarks, watchMemory } from '../../measure/observe.js';
import type { Observation } from '../../measure/record-of.js';
import type { EndpointMarks } from '../../measure/window.js';
import { type CpuSample, idleShare } from './idle-share.js';
import { ScriptSession } from './script-session.js';
import { ScriptTally } from './script-tally.js';

/** Between two looks at the forwarder's CPU, milliseconds. */
const CPU_SAMPLE = 100;
/** What is left over must be gone within this time, milliseconds. */
const RESIDUE_WAIT = 2000;
const RESIDUE_LOOK = 50;
/** Looks in a row at which nothing has changed: who closes is done. */
const RESIDUE_SAME = 6;
/** Rounds each of which must leave something over. */
const FURTHER_ROUNDS = 3;
/** Conversations of a size that are asked for one by one. */
const FIRST_ALONE = 3;
const BOTH: readonly Side[] = ['upstream', 'downstream'];

/** Prepares a script's trial: its process is started, nothing is connected yet. */
export function scriptTrial(setting: SessionSetting, workload: ScriptWorkload): ConductedTrial {
  const session = new ScriptSession(setting, workload);
  return {
    run: () => conduct(setting, workload, session),
    close: () => session.close(),
  };
}

async function conduct(
  setting: SessionSetting,
  workload: ScriptWorkload,
  session: ScriptSession,
): Promise<{ observation: Observation; incidents: Incident[] }> {
  const { hosts, forwarder } = setting;
  const memory = watchMemory(hosts);
  const tally = new ScriptTally(workload);
  const ends = { mark: () => Promise.resolve(tally.marks(now())) };
  try {
    await session.open();
    const from = await takeMarks<EndpointMarks>(ends, setting, BOTH, 'begin');
    const residue = workload.expect.residue ? new Residue(setting) : null;
    await residue?.begin();
    const watch = workload.expect.idle === null ? null : watchCpu(setting);
    try {
      for (const size of workload.sizes.length === 0 ? [0] : workload.sizes) {
        await playAll(workload.repeat, session, size, tally, residue);
      }
    } finally {
      watch?.end();
    }
    if (watch !== null && setting.trial.forwarder.use !== 'direct')
      tally.idle(idleOf(workload, tally, watch.samples));
    if (residue !== null) tally.residue(await leftByRounds(workload, session, tally, residue));
    const to = await takeMarks<EndpointMarks>(ends, setting, BOTH, 'end');
    const incidents = tally.incidents();
    const observation: Observation = {
      from,
      to,
      ended: false,
      receiving: [...BOTH],
      totals: tally.totals(),
      judgement: tally.judgement(),
      connectionOutcomes: tally.connectionOutcomes(),
      series: [{}],
      syscallSample: 'a script counts no system calls',
      memoryPeak: await memory.peak(),
      forwarderEnded: await forwarder.ended(),
      detail: forwarder.detail(),
      version: forwarder.version(),
      script: tally.outcome(tally.failed > 0 ? await forwarder.recorded() : []),
    };
    return { observation, incidents };
  } finally {
    memory.end();
  }
}

/** All repeats of one size, in batches; what cannot come about at all is not tried again and again. */
async function playAll(
  repeat: number,
  session: ScriptSession,
  size: number,
  tally: ScriptTally,
  residue: Residue | null,
): Promise<void> {
  for (let done = 0; done < repeat;) {
    // The first ones alone: where a step never comes about, each conversation takes its bound.
    const rounds = done < FIRST_ALONE ? 1 : Math.min(session.batch, repeat - done);
    for (const one of await session.play(size, rounds)) tally.add(one);
    if (done === 0) await residue?.keep();
    done += rounds;
    if (tally.hopeless) return;
  }
}

/**
 * What is left over, in words; null = nothing. A forwarder may keep empty pipes for later, and one that had more
 * connections at the same moment keeps more: what it loses grows with every further round, what it keeps
 * does not.
 */
async function leftByRounds(
  workload: ScriptWorkload,
  session: ScriptSession,
  tally: ScriptTally,
  residue: Residue,
): Promise<string | null> {
  let left = await residue.left();
  for (let round = 0; left !== null && round < FURTHER_ROUNDS; round++) {
    residue.keepDescriptors();
    for (const one of await session.play(workload.sizes.at(-1) ?? 0, 1)) tally.add(one);
    left = await residue.left();
  }
  return left;
}

interface CpuWatch {
  samples: CpuSample[];
  end(): void;
}

/** Reads the forwarder's CPU time now and then. */
function watchCpu({ forwarder }: SessionSetting): CpuWatch {
  const samples: CpuSample[] = [];
  let over = false;
  const look = async () => {
    while (!over) {
      const cost = await forwarder.cost();
      if (cost === null) return;
      samples.push({ timeNs: cost.timeNs, cpuNs: cost.cpuNs });
      await sleep(CPU_SAMPLE);
    }
  };
  // A forwarder that is gone is noticed by whatever is asked next.
  look().catch(() => undefined);
  return {
    samples,
    end: () => {
      over = true;
    },
  };
}

function idleOf(
  workload: ScriptWorkload,
  tally: ScriptTally,
  samples: readonly CpuSample[],
): number | string | null {
  const { last } = tally;
  return last === null ? null : idleShare(workload, last, samples);
}

/**
 * What is left over when all is over. A forwarder may keep empty pipes for the next connection: what it
 * has more of after the last round than after the first is what it loses.
 */
class Residue {
  private before: Holdings | null = null;
  private latest: Holdings | null = null;

  constructor(private readonly setting: SessionSetting) {}

  async begin(): Promise<void> {
    await sleep(RESIDUE_LOOK);
    this.before = await this.setting.forwarder.holdings();
  }

  /** After the first round: descriptors that are kept from now on are not lost. */
  async keep(): Promise<void> {
    const deadline = performance.now() + RESIDUE_WAIT;
    for (let same = 0; same < RESIDUE_SAME && performance.now() < deadline;) {
      const earlier = this.latest;
      const left = await this.look();
      if (this.before === null || this.latest === null) return;
      // While a connection is open its descriptors are not yet what is kept.
      const open = leftOver({ ...this.before, descriptors: this.latest.descriptors }, this.latest);
      same = open === null && earlier?.descriptors === this.latest.descriptors ? same + 1 : 0;
      if (left === null) break;
      await sleep(RESIDUE_LOOK);
    }
    this.keepDescriptors();
  }

  /** As many as there are now are no loss. */
  keepDescriptors(): void {
    if (this.before === null || this.latest === null) return;
    this.before = { ...this.before, descriptors: this.latest.descriptors };
  }

  /** What is still left over when the time is up, in words; null = nothing. */
  async left(): Promise<string | null> {
    const deadline = performance.now() + RESIDUE_WAIT;
    for (;;) {
      const left = await this.look();
      if (left === null || performance.now() >= deadline) return left;
      await sleep(RESIDUE_LOOK);
    }
  }

  private async look(): Promise<string | null> {
    this.latest = await this.setting.forwarder.holdings();
    return this.latest === null || this.before === null ? null : leftOver(this.before, this.latest);
  }
}

function now(): number {
  return Number(process.hrtime.bigint());
}
