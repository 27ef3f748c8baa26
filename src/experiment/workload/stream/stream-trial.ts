/** A trial of `workload.kind: stream`: connect, warm-up, measured window, drain. */
import { preparedPagesOf } from '../../measure/prepared-pages.js';
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
import { RoleError } from '../../../machine/role/client.js';
import type { EndResult } from '../../../machine/role/protocol.js';
import type { Content, StreamWorkload } from '../../../data/record/plan.js';
import type { ConductedTrial, SessionSetting } from '../../measure/session.js';
import { addCalls, limitIncidents } from '../../measure/incidents.js';
import { atMost, sampleSyscalls, takeMarks, watchMemory } from '../../measure/observe.js';
import type { Observation } from '../../measure/record-of.js';
import { RestWatch } from '../../measure/rest.js';
import type { Adapt } from './stream-session.js';
import { type PairEnds, Streams } from './streams.js';
import type { Marks, SyscallSample } from '../../measure/window.js';

/** Contents that end by themselves. */
const FINITE: readonly Content['kind'][] = ['file', 'tree'];

/** What the selftest changes in a stream trial. */
export interface StreamVariant {
  adapt?: Adapt;
  /** Once a fixed amount may flow, before its end is waited for. */
  flowing?: (session: Streams) => Promise<void>;
  /** What both ends counted, once it is over. */
  collected?: (streams: readonly StreamEnd[]) => void;
}

/** Prepares a stream trial: its endpoints' processes are started, nothing flows yet. */
export function streamTrial(
  setting: SessionSetting,
  workload: StreamWorkload,
  variant: StreamVariant = {},
): ConductedTrial {
  const session = new Streams(setting, workload, variant.adapt);
  return {
    run: () => conduct(setting, workload, session, variant),
    close: () => session.close(),
  };
}

/** One trial from connect to collected results. */
async function conduct(
  setting: SessionSetting,
  workload: StreamWorkload,
  session: Streams,
  { flowing, collected }: StreamVariant,
): Promise<{ observation: Observation; incidents: Incident[] }> {
  const { forwarder } = setting;
  const memory = watchMemory(setting.hosts);
  const traced = setting.trial.forwarder.strace === true ? 'under strace' : null;
  const rest = new RestWatch(forwarder, traced);
  try {
    await session.connect();
    await rest.idle();
    const fixed = workload.bytes !== null || FINITE.includes(workload.content.kind);
    const { from, to, ends, syscallSample } = fixed
      ? await fixedAmount(session, setting, flowing)
      : await timedWindow(session, setting);
    const byPair = await session.collect(ends);
    const streams = byPair.flat();
    collected?.(streams);
    const { check, connections } = workload;
    const end = { check, connections, streams, pairs: byPair.length };
    nameIncidents(streams);
    const judgement = judgeTrial(end);
    const dead = failureByDeath(judgement, await forwarder.died());
    if (dead !== null) throw new RoleError(dead);
    const connectionOutcomes = outcomesOfStreams(end, judgement.outcome);
    const incidents = limitIncidents(streams);
    const series = await session.series();
    await rest.drained(endedInOrder(streams), connections);
    const died = await forwarder.ended();
    for (const [pair, own] of byPair.entries()) {
      const through = setting.forwarders[pair] ?? forwarder;
      await addCalls(own, through, connections / byPair.length);
    }
    const memoryPeak = await memory.peak();
    const observation: Observation = {
      from,
      to,
      ended: fixed,
      receiving: session.receivingSides(),
      totals: streams.map(totalsOfStream),
      preparedPages: preparedPagesOf(streams),
      judgement,
      connectionOutcomes,
      series,
      syscallSample,
      memoryPeak,
      forwarderEnded: died,
      detail: { ...forwarder.detail(), ...pausesOf(workload, ends) },
      version: forwarder.version(),
      rest: rest.told(),
    };
    return { observation, incidents };
  } finally {
    memory.end();
  }
}

/** How often readers stood still in mid-stream, where they were to. */
function pausesOf({ pause }: StreamWorkload, ends: Flowed['ends']): Record<string, number> {
  if (pause === null || typeof pause === 'number') return {};
  const counts = ends.flatMap(Object.values<EndResult>).map(({ snapshot }) => snapshot.pauses ?? 0);
  return { reader_pauses: counts.reduce((sum, count) => sum + count, 0) };
}

interface Flowed {
  from: Marks;
  to: Marks;
  ends: PairEnds[];
  syscallSample: SyscallSample | string | null;
}

/** Warm-up, window, stop, drain. A stream that ends early ends the window. */
async function timedWindow(session: Streams, setting: SessionSetting): Promise<Flowed> {
  const { warmup, seconds } = setting.trial.cell.workload;
  const { over } = await session.go();
  await atMost(warmup, over);
  const from = await takeMarks(session, setting, session.sendingSides(), 'begin');
  await atMost(seconds, over);
  const to = await takeMarks(session, setting, session.sendingSides(), 'end');
  const counted = to.forwarder?.syscalls !== null;
  const syscallSample = counted
    ? null
    : await sampleSyscalls(session, setting.forwarder, session.receivingSides());
  await session.stopSending();
  return { from, to, ends: await over, syscallSample };
}

/** From the first byte that may flow to the last one. */
async function fixedAmount(
  session: Streams,
  setting: SessionSetting,
  flowing?: StreamVariant['flowing'],
): Promise<Flowed> {
  const from = await takeMarks(session, setting, session.sendingSides(), 'begin');
  const { over } = await session.go();
  await flowing?.(session);
  const ends = await over;
  const to = await takeMarks(session, setting, session.sendingSides(), 'end');
  const counted = to.forwarder?.syscalls !== null;
  const syscallSample = counted ? null : 'a fixed amount leaves no time to sample after it';
  return { from, to, ends, syscallSample };
}
