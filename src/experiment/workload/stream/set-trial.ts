/** A set of trials of `kind: stream`: all forwarders alive at once, in turn; see rounds.ts and stream-set.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { outcomesOfStreams } from '../../../data/integrity/connection-outcomes.js';
import { nameIncidents } from '../../../data/integrity/incident-calls.js';
import {
  endedInOrder,
  failureByDeath,
  judgeTrial,
  type StreamEnd,
  totalsOfStream,
} from '../../../data/integrity/outcome.js';
import type { Incident } from '../../../data/record/record.js';
import type { Check } from '../../../data/record/words.js';
import { type CpuLook, longerLook } from '../../../machine/host/cpu-state.js';
import { type Pressure, readPressure } from '../../../machine/host/pressure.js';
import { RoleError } from '../../../machine/role/client.js';
import { receives, type Side, SIDES, sends } from '../../measure/endpoints.js';
import { preparedPagesOf } from '../../measure/prepared-pages.js';
import { failureOf } from '../../measure/forwarder-failure.js';
import {
  type ForwarderCost,
  type ForwarderUnderTest,
  type ListenAddress,
  SAMPLE_OF_SET,
} from '../../measure/forwarder-under-test.js';
import { addCalls, limitIncidents } from '../../measure/incidents.js';
import { readHosts } from '../../measure/observe.js';
import type { Observation } from '../../measure/record-of.js';
import { type Pressed, pressureOf, waitedBetween } from '../../measure/pressure.js';
import { RestWatch } from '../../measure/rest.js';
import { lastRounds, type OwnRounds, ownRounds } from '../../measure/own-rounds.js';
import {
  disturbance,
  marksOfSlices,
  type OfSet,
  seriesOfSlices,
  type Slice,
} from '../../measure/slices.js';
import type { Marks, SyscallSample } from '../../measure/window.js';
import { lengthsOf, planTurns, roundsOf, type SliceLengths, type Turn } from './rounds.js';
import {
  bytesPerSecond,
  measuredIn,
  receivedIn,
  type SetEnds,
  type SetSetting,
  type SliceSeen,
  StreamSet,
} from './stream-set.js';

/** So many times the rounds that shall count are run at most, where some are left out. */
const MOST_AGAIN = 2;
/** Longer than sampling a program's calls takes, seconds. */
const SAMPLED = 0.3;

/** What became of one arm. */
export type ArmOutcome =
  | { observation: Observation; incidents: Incident[] }
  /** It could not take part, in words. */
  | { failure: string };

interface Arm {
  forwarder: ForwarderUnderTest;
  check: Check;
  failure: string | null;
  /** Has no further turn. */
  out: boolean;
  /** The round in which that became so, where it had turns before. */
  outIn: number | null;
  stalled: boolean;
  slices: Slice[];
  pressed: Pressed[];
  incidents: number;
  received: number;
  memory: { from: Marks['memory']; to: Marks['memory'] };
  sample: SyscallSample | string | null;
  /** What it cost while others had their turns. */
  last: ForwarderCost | null;
  idle: { cpuNs: number; timeNs: number };
}

interface Edge {
  host: Marks['host'];
  cpus: CpuLook;
  pressure: Pressure | null;
  /** Of whose slice ended, and of whose begins; undefined = could not be asked. */
  before: ForwarderCost | null | undefined;
  after: ForwarderCost | null | undefined;
}

export class StreamSetTrial {
  private readonly set: StreamSet;
  private readonly arms: Arm[];
  private cpuNs: Record<Side, number> = { upstream: 0, downstream: 0 };
  private ofSet: OfSet;
  private readonly lengths: SliceLengths;

  /**
   * @param id of the set, unique in its run
   * @param parts processes that are started; whoever started them ends them
   */
  constructor(
    id: string,
    private readonly setting: SetSetting,
    { ends, forwarders }: { ends: SetEnds; forwarders: readonly ForwarderUnderTest[] },
  ) {
    this.set = new StreamSet(setting, ends);
    this.lengths = lengthsOf(setting.workload);
    this.ofSet = { set: id, settle: this.lengths.settle };
    this.arms = forwarders.map((forwarder, index) => ({
      forwarder,
      check: (setting.arms[index] ?? setting.workload).check,
      failure: null,
      out: false,
      outIn: null,
      stalled: false,
      slices: [],
      pressed: [],
      incidents: 0,
      received: 0,
      memory: { from: null, to: null },
      sample: null,
      last: null,
      idle: { cpuNs: 0, timeNs: 0 },
    }));
  }

  /**
   * Runs the set to its end.
   * @param still called when nothing is measured any more that other processes would disturb
   * @throws RoleError when an end of it is gone: then nothing is known of any arm
   */
  async run(still: () => void): Promise<ArmOutcome[]> {
    await this.connect();
    for (const arm of this.taking()) arm.memory.from = await arm.forwarder.memory();
    const { workload, seed, rounds } = this.setting;
    const planned = roundsOf(workload, this.lengths);
    const counted = rounds ?? planned.counted;
    const most = { ...planned, counted: counted * MOST_AGAIN };
    await this.setting.cpus.calm(counted * this.lengths.measure * this.arms.length);
    const began = performance.now();
    const last = await this.rounds(
      planTurns(this.arms.length, most, this.lengths.measure, seed),
      counted,
    );
    this.ofSet = {
      ...this.ofSet,
      ...this.disturbance(),
      ...pressureOf(this.arms.map(({ pressed }) => pressed)),
      took: Math.round(performance.now() - began) / 1e3,
      rounds_run: planned.discarded + last,
    };
    for (const [index, arm] of this.arms.entries()) {
      if (!arm.out) await this.sampleCalls(index, arm);
    }
    for (const arm of this.taking()) arm.memory.to = await arm.forwarder.memory();
    still();
    const ended = await this.set.end();
    const streams = await this.set.collect((index) => {
      const arm = this.arms[index];
      return arm !== undefined && (arm.stalled || (!ended && !arm.out));
    });
    const own = lastRounds(this.arms, this.ownRounds());
    const all = { shared: [], contended: [], left_out: [] };
    return Promise.all(
      this.arms.map((arm, index) => this.outcome(arm, own[index] ?? all, streams[index] ?? [])),
    );
  }

  private taking(): Arm[] {
    return this.arms.filter(({ out }) => !out);
  }

  private async connect(): Promise<void> {
    const upstreams = await this.set.listen();
    const entries = await Promise.all(
      this.arms.map(async (arm, index): Promise<ListenAddress | null> => {
        const upstream = upstreams[index];
        if (upstream === undefined) throw new RoleError(`no upstream for arm ${index + 1}`);
        try {
          return await arm.forwarder.open(upstream);
        } catch (error) {
          if (!(error instanceof RoleError)) throw error;
          arm.failure = error.message;
          return null;
        }
      }),
    );
    const lacks = await this.set.connect(entries);
    for (const [index, arm] of this.arms.entries()) {
      arm.failure ??= lacks[index] ?? null;
      if (arm.failure === null) continue;
      arm.out = true;
      await this.set.endArm(index);
    }
    this.cpuNs = await this.set.cpuNs();
  }

  /**
   * As many rounds as shall count, and for each that is left out another, while there are turns.
   * @returns the last round's number
   */
  private async rounds(turns: readonly Turn[], counted: number): Promise<number> {
    let index = this.next(turns, 0);
    let turn = turns[index];
    let last = 0;
    let edge = turn === undefined ? null : await this.edge(null, turn);
    while (turn !== undefined && edge !== null) {
      last = turn.round;
      const seen = await this.set.slice(turn);
      await this.take(turn, seen);
      index = this.next(turns, index + 1);
      let following = turns[index];
      // The slice that has just ended is not kept yet: it counts here, and whether it is left out is seen later.
      if (following !== undefined && following.round > last && this.enough(turn, counted)) {
        following = undefined;
      }
      const after = await this.edge(turn, following ?? null);
      this.keep(turn, seen, edge, after);
      edge = after;
      turn = following;
    }
    return last;
  }

  /** @param ended the turn whose slice is not kept yet */
  private enough({ round, arm }: Turn, counted: number): boolean {
    // Looked at only where it can be: all slices are gone through, while nothing flows.
    if (round < counted) return false;
    const own = this.ownRounds();
    return this.arms.every(({ out, slices }, index) => {
      const kept = slices.length + (index === arm ? 1 : 0);
      return out || kept - (own[index]?.left_out.length ?? 0) >= counted;
    });
  }

  private disturbance(): ReturnType<typeof disturbance> {
    return disturbance(
      this.arms.map(({ slices }) => slices),
      this.setting.cpus.nearest,
    );
  }

  private ownRounds(): OwnRounds[] {
    const slices = this.arms.map((arm) => arm.slices);
    return ownRounds(slices, this.setting.cpus.shortest, this.disturbance().left_out);
  }

  /** The next turn, from `from` on, of an arm that still takes part. */
  private next(turns: readonly Turn[], from: number): number {
    let index = from;
    while (index < turns.length && this.arms[turns[index]?.arm ?? 0]?.out) index++;
    return index;
  }

  /** Everything that is read between two slices, at once: nothing flows meanwhile. */
  private async edge(ended: Turn | null, beginning: Turn | null): Promise<Edge> {
    const { hosts, workload } = this.setting;
    const senders = SIDES.filter((side) => sends(side, workload));
    const [before, after, host] = await Promise.all([
      this.costOf(ended),
      beginning?.arm === ended?.arm ? undefined : this.costOf(beginning),
      readHosts(hosts, senders),
      beginning === null ? null : this.set.expect(beginning),
    ]);
    const pressure = readPressure();
    const cpus = this.setting.cpus.look();
    return {
      host,
      cpus,
      pressure,
      before,
      after: beginning?.arm === ended?.arm ? before : after,
    };
  }

  private async costOf(turn: Turn | null): Promise<ForwarderCost | null | undefined> {
    const arm = turn === null ? undefined : this.arms[turn.arm];
    try {
      return await arm?.forwarder.cost();
    } catch (error) {
      // It is gone: its bytes do not arrive, which ends the arm.
      if (error instanceof RoleError) return undefined;
      throw error;
    }
  }

  /** What a slice has shown of its arm. */
  private async take({ arm: index, round }: Turn, seen: SliceSeen): Promise<void> {
    const arm = this.arms[index];
    if (arm === undefined) return;
    const marks = Object.values<{ incidents: number }>({ ...seen.received });
    const incidents = marks.reduce((sum, mark) => sum + mark.incidents, 0);
    // Nothing flows through it until its next turn: its last calls are still those of this slice.
    if (incidents > arm.incidents) await arm.forwarder.freeze();
    arm.incidents = incidents;
    if (seen.complete && !seen.ended) return;
    arm.out = true;
    arm.outIn = round;
    arm.stalled = !seen.ended;
    await this.set.endArm(index);
  }

  /** Keeps a slice that counts, and what its arm used while it had no turn. */
  private keep(turn: Turn, seen: SliceSeen, from: Edge, to: Edge): void {
    const arm = this.arms[turn.arm];
    if (arm === undefined) return;
    const endCpu = {
      upstream: (seen.cpuNs.upstream - this.cpuNs.upstream) / 1e9,
      downstream: (seen.cpuNs.downstream - this.cpuNs.downstream) / 1e9,
    };
    this.cpuNs = seen.cpuNs;
    const [begin, end] = [from.after, to.before];
    const received = receivedIn(seen);
    const allBytes = received - arm.received;
    arm.received = received;
    if (begin === undefined || end === undefined || arm.out) return;
    if (arm.last !== null && begin !== null) {
      arm.idle.cpuNs += begin.cpuNs - arm.last.cpuNs;
      arm.idle.timeNs += begin.timeNs - arm.last.timeNs;
    }
    arm.last = end;
    if (turn.round < 1) return;
    const waited = waitedBetween(from.pressure, to.pressure);
    const seconds = to.host.seconds - from.host.seconds;
    if (waited !== null) arm.pressed.push({ round: turn.round, seconds, waited });
    arm.slices.push({
      round: turn.round,
      turn: turn.turn,
      measured: measuredIn(seen),
      allBytes,
      endCpu,
      cost: begin === null || end === null ? null : { from: begin, to: end },
      host: { from: from.host, to: to.host },
      ...longerLook(from.cpus, to.cpus),
    });
  }

  /** System calls of a program, in a slice of its own whose speed counts for nothing. */
  private async sampleCalls(index: number, arm: Arm): Promise<void> {
    if (arm.last?.syscalls !== null) return;
    const turn = { round: 0, turn: 1, arm: index, measure: SAMPLED };
    await this.set.expect(turn);
    const [seen, rate] = await Promise.all([
      this.set.slice(turn),
      // Not before it flows as it stays.
      sleep(this.lengths.settle * 1e3).then(() => arm.forwarder.sampleSyscalls(SAMPLE_OF_SET)),
    ]);
    await this.take(turn, seen);
    this.cpuNs = seen.cpuNs;
    if (rate === null || typeof rate === 'string') {
      arm.sample = rate;
      return;
    }
    arm.sample = { ...rate, gbPerSecond: bytesPerSecond(measuredIn(seen)) / 1e9 };
  }

  /** What happened to an arm, in which round, and whether the others went on. */
  private placed({ outIn }: Arm, what: string): string {
    if (outIn === null) return what;
    const when = outIn > 0 ? `in round ${outIn} of its set` : 'in a round that does not count';
    const others = this.taking().length > 0 ? '; the others of the set went on' : '';
    return `${what}, ${when}${others}`;
  }

  private async outcome(arm: Arm, own: OwnRounds, streams: StreamEnd[]): Promise<ArmOutcome> {
    const { workload } = this.setting;
    const { forwarder, failure, check } = arm;
    if (failure !== null) return { failure: await failureOf(failure, forwarder) };
    const { connections } = workload;
    const end = { check, connections, streams, pairs: 1 };
    nameIncidents(streams);
    const judged = judgeTrial(end);
    const dead = failureByDeath(judged, await forwarder.died());
    if (dead !== null) return { failure: this.placed(arm, dead) };
    const reason = judged.reason === null ? null : this.placed(arm, judged.reason);
    const judgement = { ...judged, reason };
    const connectionOutcomes = outcomesOfStreams(end, judgement.outcome);
    const incidents = limitIncidents(streams);
    const rest = new RestWatch(forwarder);
    rest.idleWas(idleShare(arm) ?? 'it never stood still for long enough');
    await rest.drained(endedInOrder(streams), connections);
    const died = await forwarder.ended().catch(() => null);
    await addCalls(streams, forwarder, connections);
    const counted = arm.slices.filter(({ round }) => !own.left_out.includes(round));
    const observation: Observation = {
      ...marksOfSlices(counted, arm.memory),
      ended: false,
      receiving: SIDES.filter((side) => receives(side, workload)),
      totals: streams.map(totalsOfStream),
      preparedPages: preparedPagesOf(streams),
      judgement,
      connectionOutcomes,
      series: [],
      syscallSample: arm.sample,
      memoryPeak: null,
      forwarderEnded: died,
      detail: forwarder.detail(),
      version: forwarder.version(),
      slices: seriesOfSlices({ ...this.ofSet, ...own }, arm.slices),
      rest: rest.told(),
    };
    return { observation, incidents };
  }
}

/** CPU seconds per second while others had their turns; null = there was no such time. */
function idleShare({ idle }: Arm): number | null {
  return idle.timeNs > 0 ? idle.cpuNs / idle.timeNs : null;
}
