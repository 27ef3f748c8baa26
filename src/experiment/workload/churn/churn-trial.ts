/** A trial of `workload.kind: churn`: connections one after another, for a time or a number of them. */
import { judgeChurn, totalsOfChurn, withoutCalls } from '../../../data/integrity/churn.js';
import { outcomesOfChurn } from '../../../data/integrity/connection-outcomes.js';
import { STORED_PER_TRIAL } from '../../../data/integrity/stored-limits.js';
import type { Incident } from '../../../data/record/record.js';
import type { EndResult } from '../../../machine/role/protocol.js';
import type { ChurnWorkload } from '../../../data/record/plan.js';
import type { ConductedTrial, SessionSetting } from '../../measure/session.js';
import { receives, sends, SIDES } from '../../measure/endpoints.js';
import { latencyColumns, rateOver, secondsBetween } from '../../measure/load-figures.js';
import { atMost, sampleSyscalls, takeMarks, watchMemory } from '../../measure/observe.js';
import { PeerSession } from '../common/peer-session.js';
import type { Observation } from '../../measure/record-of.js';
import type { SyscallSample } from '../../measure/window.js';

/** Prepares a churn trial: its ends' processes are started, nothing flows yet. */
export function churnTrial(setting: SessionSetting, workload: ChurnWorkload): ConductedTrial {
  const session = new PeerSession('churn', setting);
  return {
    run: () => conduct(setting, workload, session),
    close: () => session.close(),
  };
}

// eslint-disable-next-line max-lines-per-function -- the phases of a trial in their order, over shared marks
async function conduct(
  { hosts, forwarder }: SessionSetting,
  workload: ChurnWorkload,
  session: PeerSession<'churn'>,
): Promise<{ observation: Observation; incidents: Incident[] }> {
  const { body, transfers, check, direction } = workload;
  const memory = watchMemory(hosts);
  const fixed = transfers !== null;
  try {
    await session.connect(
      (role, side, shared) =>
        role.ask('open', {
          ...shared,
          body,
          ...(fixed ? { transfers } : {}),
          send: sends(side, workload),
          receive: receives(side, workload),
        }),
      1,
    );
    const senders = SIDES.filter((side) => sends(side, workload));
    const mark = (edge: 'begin' | 'end') => takeMarks(session, { hosts, forwarder }, senders, edge);
    const receiving = SIDES.filter((side) => receives(side, workload));
    let over: Promise<EndResult>;
    let from: Awaited<ReturnType<typeof mark>>;
    if (fixed) {
      from = await mark('begin');
      await session.client.ask('beginWindow');
      ({ over } = await session.go());
      await over;
    } else {
      ({ over } = await session.go());
      await atMost(workload.warmup, over);
      await session.client.ask('beginWindow');
      from = await mark('begin');
      await atMost(workload.seconds, over);
    }
    const to = await mark('end');
    await session.client.ask('endWindow');
    let syscallSample: SyscallSample | string | null = null;
    if (to.forwarder?.syscalls === null) {
      syscallSample = fixed
        ? 'a fixed amount leaves no time to sample after it'
        : await sampleSyscalls(session, forwarder, receiving);
    }
    const ends = await session.stop(over);
    const latency = await session.client.ask('latency');
    const series = await session.series(receiving);
    const client = await session.client.ask('results');
    const server = await session.server.ask('results');
    const results = { upstream: server, downstream: client };
    const end = { direction, check, results, stalled: !ends.downstream.ended };
    const judgement = judgeChurn(end);
    const found = receiving.flatMap((side) => results[side].incidents);
    const incidents = withoutCalls(found.slice(0, STORED_PER_TRIAL));
    const died = await forwarder.ended();
    const [a, b] = [from.endpoints[0].downstream, to.endpoints[0].downstream];
    const memoryPeak = await memory.peak();
    const observation: Observation = {
      from,
      to,
      ended: fixed,
      receiving,
      totals: receiving.map((side) => totalsOfChurn(results[side])),
      judgement,
      connectionOutcomes: outcomesOfChurn(end, judgement.outcome),
      series: [series],
      syscallSample,
      memoryPeak,
      forwarderEnded: died,
      detail: forwarder.detail(),
      version: forwarder.version(),
      load: {
        ...latencyColumns(latency, 'sent'),
        connections_per_second: rateOver(b.completed - a.completed, secondsBetween(a, b)),
        transfers: client.begun,
        transfers_failed: client.begun - client.whole,
      },
    };
    return { observation, incidents };
  } finally {
    memory.end();
  }
}
