/** A trial of `workload.kind: http`: an origin, the forwarder, and autocannon; warm-up, window, stop. */
import type { EndpointSnapshot } from '../../../data/native/native-surface.js';
import { outcomesOfHttp } from '../../../data/integrity/connection-outcomes.js';
import { httpTotals, judgeHttp } from '../../../data/integrity/http.js';
import type { Incident } from '../../../data/record/record.js';
import { RoleClient, RoleError } from '../../../machine/role/client.js';
import type { LoadSnapshot, OriginMark } from '../../../machine/role/protocol.js';
import type { HttpWorkload } from '../../../data/record/plan.js';
import type { ConductedTrial, SessionSetting } from '../../measure/session.js';
import { endCpus } from '../../measure/endpoints.js';
import { latencyColumns, rateOver, secondsBetween } from '../../measure/load-figures.js';
import { atMost, sampleSyscalls, takeMarks, watchMemory } from '../../measure/observe.js';
import { connectTimeout, LONGEST } from '../common/patience.js';
import type { Observation } from '../../measure/record-of.js';
import { type EndpointMarks, NO_SNAPSHOT } from '../../measure/window.js';

/** Time for nginx to start and for bodies to be made, seconds. */
const OPEN_TIMEOUT = 20;

/** Both ends with what only the load counts. */
type HttpMarks = EndpointMarks & { downstream: { completed: number } };

interface Ends {
  origin: RoleClient<'origin'>;
  load: RoleClient<'load'>;
  mark(): Promise<[HttpMarks]>;
}

/** Prepares an HTTP trial: its ends' processes are started, nothing flows yet. */
export function httpTrial(setting: SessionSetting, workload: HttpWorkload): ConductedTrial {
  const origin = RoleClient.start(setting.hosts.upstream, 'origin');
  const load = RoleClient.start(setting.hosts.downstream, 'load');
  const mark = async (): Promise<[HttpMarks]> => {
    const [upstream, downstream] = await Promise.all([origin.ask('mark'), load.ask('mark')]);
    return [{ upstream: ofOrigin(upstream), downstream: ofLoad(downstream) }];
  };
  return {
    run: () => conduct(setting, workload, { origin, load, mark }),
    close: async () => {
      await Promise.all([origin.close(), load.close()]);
    },
  };
}

// eslint-disable-next-line max-lines-per-function -- the phases of a trial in their order, over shared marks
async function conduct(
  { trial, hosts, placement, forwarder }: SessionSetting,
  workload: HttpWorkload,
  ends: Ends,
): Promise<{ observation: Observation; incidents: Incident[] }> {
  const { origin, load } = ends;
  const { connections, pipelining, body, check, seconds, warmup, stall, rate } = workload;
  const { seed } = trial;
  const memory = watchMemory(hosts);
  try {
    const host = hosts.upstream.address;
    const served = {
      host,
      connections,
      body,
      seed,
      cpus: [...endCpus(placement, 'upstream', true)],
    };
    const { port, server } = await origin.ask('open', served, OPEN_TIMEOUT);
    const entry = await forwarder.open({ host, port });
    const cpus = [...endCpus(placement, 'downstream', false)];
    const start = { ...entry, connections, pipelining, body, seed, check, stall, rate, cpus };
    await load.ask('open', start, OPEN_TIMEOUT);
    const timeout = connectTimeout(connections);
    const answered = await load.ask('awaitConnected', { connections, timeout }, timeout + 5);
    if (answered < connections) {
      const { lastError } = await load.ask('results');
      const why = lastError === null ? '' : ` (${lastError})`;
      throw new RoleError(
        `load: ${answered} of ${connections} connections had an answer through the forwarder${why}`,
      );
    }
    const never = new Promise(() => undefined);
    await atMost(warmup, never);
    await load.ask('beginWindow');
    const from = await takeMarks(ends, { hosts, forwarder }, ['upstream'], 'begin');
    await atMost(seconds, never);
    const to = await takeMarks(ends, { hosts, forwarder }, ['upstream'], 'end');
    await load.ask('endWindow');
    const counted = to.forwarder?.syscalls !== null;
    const syscallSample = counted ? null : await sampleSyscalls(ends, forwarder, ['downstream']);
    await load.ask('stop', null, LONGEST);
    const { incidents, ...counts } = await load.ask('results');
    const [a, b] = [from.endpoints[0].downstream, to.endpoints[0].downstream];
    const requests = b.completed - a.completed;
    const judgement = judgeHttp(counts, check);
    const memoryPeak = await memory.peak();
    const observation: Observation = {
      from,
      to,
      ended: false,
      receiving: ['downstream'],
      totals: [httpTotals(counts, incidents)],
      judgement,
      connectionOutcomes: outcomesOfHttp(counts, connections, judgement.outcome),
      series: [{ downstream: await load.ask('series') }],
      syscallSample,
      memoryPeak,
      forwarderEnded: await forwarder.ended(),
      detail: { ...forwarder.detail(), origin: server },
      version: forwarder.version(),
      load: {
        ...latencyColumns(await load.ask('latency'), rate === null ? 'sent' : 'corrected'),
        requests,
        requests_per_second: rateOver(requests, secondsBetween(a, b)),
        intended_rate: rate,
      },
    };
    return { observation, incidents };
  } finally {
    memory.end();
  }
}

/** What an origin has of a snapshot: its clocks. */
function ofOrigin(mark: OriginMark): EndpointSnapshot {
  return { ...NO_SNAPSHOT, ...mark };
}

function ofLoad(mark: LoadSnapshot): HttpMarks['downstream'] {
  return { ...NO_SNAPSHOT, ...mark };
}
