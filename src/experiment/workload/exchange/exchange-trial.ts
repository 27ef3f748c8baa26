/**
 * A trial of `workload.kind: exchange`: connect, warm-up, measured window, drain. With `load` the
 * second half of the warm-up is a closed loop that finds the capacity, of which the rate is a share.
 */
import type { ExchangeSnapshot } from '../../../data/native/native-surface.js';
import { outcomesOfStreams } from '../../../data/integrity/connection-outcomes.js';
import { nameIncidents } from '../../../data/integrity/incident-calls.js';
import { judgeTrial, type StreamEnd, totalsOfStream } from '../../../data/integrity/outcome.js';
import type { Incident } from '../../../data/record/record.js';
import { RoleError } from '../../../machine/role/client.js';
import type { ExchangeWorkload } from '../../../data/record/plan.js';
import type { ConductedTrial, SessionSetting } from '../../measure/session.js';
import type { Side } from '../../measure/endpoints.js';
import { addCalls, limitIncidents } from '../../measure/incidents.js';
import { atMost, sampleSyscalls, takeMarks, watchMemory } from '../../measure/observe.js';
import { PeerSession } from '../common/peer-session.js';
import { latencyColumns, rateOver, secondsBetween } from '../../measure/load-figures.js';
import type { Observation } from '../../measure/record-of.js';

/** After the closed loop, for queues to empty, as a share of the warm-up. */
const SETTLE = 0.2;
/** Both ends send, and both receive. */
const BOTH: readonly Side[] = ['downstream', 'upstream'];

/** Prepares an exchange trial: its ends' processes are started, nothing flows yet. */
export function exchangeTrial(setting: SessionSetting, workload: ExchangeWorkload): ConductedTrial {
  const session = new PeerSession('exchange', setting);
  return {
    run: () => conduct(setting, workload, session),
    close: () => session.close(),
  };
}

// eslint-disable-next-line max-lines-per-function -- the phases of a trial in their order, over shared marks
async function conduct(
  { hosts, forwarder }: SessionSetting,
  workload: ExchangeWorkload,
  session: PeerSession<'exchange'>,
): Promise<{ observation: Observation; incidents: Incident[] }> {
  const { connections, request, response, seconds, check } = workload;
  const memory = watchMemory(hosts);
  try {
    await session.connect(
      (role, _side, shared) => role.ask('open', { ...shared, request, response }),
      connections,
    );
    if (workload.rate !== null) await session.client.ask('pace', workload.rate);
    const { over } = await session.go();
    const { rate, capacity } = await warmUp(session, workload, over);
    await session.client.ask('beginWindow');
    const from = await takeMarks(session, { hosts, forwarder }, BOTH, 'begin');
    await atMost(seconds, over);
    const to = await takeMarks(session, { hosts, forwarder }, BOTH, 'end');
    await session.client.ask('endWindow');
    const counted = to.forwarder?.syscalls !== null;
    const syscallSample = counted ? null : await sampleSyscalls(session, forwarder, BOTH);
    const ends = await session.stop(over);
    const streams = await collect(session, !ends.downstream.ended);
    const latency = await session.client.ask('latency');
    const series = await session.series(BOTH);
    const end = { check, connections, streams };
    nameIncidents(streams);
    const judgement = judgeTrial(end);
    const connectionOutcomes = outcomesOfStreams(end, judgement.outcome);
    const incidents = limitIncidents(streams);
    const died = await forwarder.ended();
    await addCalls(streams, forwarder, connections);
    const windowSeconds = secondsBetween(from.endpoints[0].downstream, to.endpoints[0].downstream);
    const requests = to.endpoints[0].downstream.completed - from.endpoints[0].downstream.completed;
    const memoryPeak = await memory.peak();
    const observation: Observation = {
      from,
      to,
      ended: false,
      receiving: [...BOTH],
      totals: streams.map(totalsOfStream),
      judgement,
      connectionOutcomes,
      series: [series],
      syscallSample,
      memoryPeak,
      forwarderEnded: died,
      detail: forwarder.detail(),
      version: forwarder.version(),
      load: {
        ...latencyColumns(latency, rate === null ? 'sent' : 'due'),
        requests,
        requests_per_second: rateOver(requests, windowSeconds),
        intended_rate: rate,
        capacity_per_second: capacity,
      },
    };
    return { observation, incidents };
  } finally {
    memory.end();
  }
}

interface Pace {
  /** Requests per second; null = closed loop. */
  rate: number | null;
  /** Of the closed loop; null where it was not looked for. */
  capacity: number | null;
}

/** Warms up, and finds the rate where it is a share of the capacity. */
async function warmUp(
  session: PeerSession<'exchange'>,
  { warmup, rate, load }: ExchangeWorkload,
  over: Promise<unknown>,
): Promise<Pace> {
  if (load === null) {
    await atMost(warmup, over);
    return { rate, capacity: null };
  }
  await atMost(warmup / 2, over);
  const from: ExchangeSnapshot = (await session.mark())[0].downstream;
  await atMost(warmup / 2, over);
  const to: ExchangeSnapshot = (await session.mark())[0].downstream;
  const capacity = rateOver(to.completed - from.completed, secondsBetween(from, to));
  if (capacity === null || capacity === 0) {
    throw new RoleError(
      'exchange: no request was answered in the warm-up, so there is no capacity',
    );
  }
  await session.client.ask('pace', capacity * load);
  await atMost(warmup * SETTLE, over);
  return { rate: capacity * load, capacity };
}

/** Requests are one stream of each connection, responses the other. */
async function collect(
  { client, server }: PeerSession<'exchange'>,
  stalled: boolean,
): Promise<StreamEnd[]> {
  const asked = await client.ask('sentCounts');
  const answered = await server.ask('sentCounts');
  const upstream = await server.ask('results', asked);
  const downstream = await client.ask('results', answered);
  return [
    { direction: 'download', sent: answered, sender: upstream, receiver: downstream, stalled },
    { direction: 'upload', sent: asked, sender: downstream, receiver: upstream, stalled },
  ];
}
