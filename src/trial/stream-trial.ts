/** A trial of `workload.kind: stream`: connect, warm-up, measured window, drain. */
import { fatesOfStreams } from '../integrity/fates.js';
import { judgeTrial, type StreamEnd, totalsOfStream } from '../integrity/outcome.js';
import type { Incident } from '../results/record.js';
import type { EndResult } from '../role/protocol.js';
import type { Content, StreamWorkload } from '../scenario/plan.js';
import type { ConductedTrial, SessionSetting } from './conduct.js';
import {
  atMost,
  explain,
  limitIncidents,
  sampleSyscalls,
  takeMarks,
  watchMemory,
} from './observe.js';
import type { Observation } from './record-of.js';
import type { Adapt } from './stream-session.js';
import { type PairEnds, Streams } from './streams.js';
import type { Marks, SyscallSample } from './window.js';

/** Contents that end by themselves. */
const FINITE: readonly Content['kind'][] = ['file', 'tree'];

/** What the lab changes in a stream trial. */
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
  try {
    await session.connect();
    const fixed = workload.bytes !== null || FINITE.includes(workload.content.kind);
    const { from, to, ends, syscallSample } = fixed
      ? await fixedAmount(session, setting, flowing)
      : await timedWindow(session, setting);
    const byPair = await session.collect(ends);
    const streams = byPair.flat();
    collected?.(streams);
    const { check, connections } = workload;
    const end = { check, connections, streams, pairs: byPair.length };
    const judgement = judgeTrial(end);
    const fates = fatesOfStreams(end, judgement.outcome);
    const incidents = limitIncidents(streams);
    const series = await session.series();
    const died = await forwarder.ended();
    for (const [pair, own] of byPair.entries()) {
      const through = setting.forwarders[pair] ?? forwarder;
      await explain(own, through, connections / byPair.length);
    }
    const memoryPeak = await memory.peak();
    const observation: Observation = {
      from,
      to,
      ended: fixed,
      receiving: session.receivingSides(),
      totals: streams.map(totalsOfStream),
      judgement,
      fates,
      series,
      syscallSample,
      memoryPeak,
      forwarderEnded: died,
      detail: { ...forwarder.detail(), ...pausesOf(workload, ends) },
      version: forwarder.version(),
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
