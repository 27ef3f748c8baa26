/** The bars: what is required, what was measured, and whether it is met. Pure. */
import type { TrialRecord } from '../../src/data/record/record.js';
import {
  bytes,
  count,
  figure,
  listed,
  plural,
  ratioNumber,
} from '../../src/base/units/quantity.js';
import { estimateMedian, median } from '../../src/base/statistics/interval.js';
import { recorderCosts } from '../recorder/samples.js';
import { percent } from '../recorder/text.js';
import { checkedCost } from './checked-cost.js';
import { IPERF3 } from './iperf3.js';
import { type Bar, judged, NO_INTERVAL, unavailable } from './judged.js';
import { type BarsInput, ratioBar, type Side } from './ratio-bar.js';
import { beside, COPYING, copyingProxies, fastest, missing, SPLICING_PROXIES } from './rivals.js';
import type { IdleSample } from './samples.js';

/** Names of the scenarios. */
export const SPEED = 'bars';
export const CHECKED = 'bars-checked';
export const ACTIVE = 'bars-active';
export const CONNECTIONS = 'bars-connections';

/** The arm of CHECKED whose bytes are compared. */
const CHECKED_COPY = 'copy-checked';

const REQUIRED_IDLE = 10_000;
const REQUIRED_ACTIVE = 1000;

/** Connections of one side of the bar on many connections, and of the other. */
const MANY = 1000;
const FEW = 10;

/** Every bar, in the order of the table. */
// eslint-disable-next-line max-lines-per-function -- one table of bars, each an entry of a few lines
export function evaluateBars(input: BarsInput): Bar[] {
  const speed = (label: string): Side => ({ scenario: SPEED, label });
  const splicing = rivalOf(input, 'splice', SPLICING_PROXIES);
  const own = fastest(input.trials.filter(inScenario(SPEED)), COPYING).label ?? 'copy';
  const copying = rivalOf(
    input,
    own,
    copyingProxies(input.trials.filter(inScenario(SPEED)), input.measurements),
  );
  return [
    ratioBar(input, {
      id: 'direct-iperf3',
      bar: `direct over \`${IPERF3.label}\`, goodput`,
      of: speed('direct'),
      to: speed(IPERF3.label),
      atLeast: 1.2,
    }),
    ratioBar(input, {
      id: 'splice-haproxy',
      bar: 'splice over HAProxy splicing, goodput',
      of: speed('splice'),
      to: speed('haproxy-splice'),
      atLeast: 1.1,
    }),
    ratioBar(input, {
      id: 'splice-haproxy-cpu',
      bar: 'splice over HAProxy splicing, forwarder CPU per GB',
      metric: 'forwarder_cpu_per_gb',
      of: speed('splice'),
      to: speed('haproxy-splice'),
      atMost: 0.95,
    }),
    ratioBar(input, {
      id: 'splice-best-proxy',
      bar: `splice over the best splicing proxy (${splicing.name}), goodput`,
      of: speed('splice'),
      to: speed(splicing.label),
      atLeast: 1.1,
      note: splicing.note,
    }),
    ratioBar(input, {
      id: 'splice-best-proxy-cpu',
      bar: `splice over the best splicing proxy (${splicing.name}), forwarder CPU per GB`,
      metric: 'forwarder_cpu_per_gb',
      of: speed('splice'),
      to: speed(splicing.label),
      atMost: 0.95,
    }),
    ratioBar(input, {
      id: 'splice-direct',
      bar: 'splice over direct, goodput',
      of: speed('splice'),
      to: speed('direct'),
      atLeast: 0.9,
    }),
    ratioBar(input, {
      id: 'copy-best-proxy',
      bar: `${own} over the best copying proxy (${copying.name}), goodput`,
      of: speed(own),
      to: speed(copying.label),
      atLeast: 1.2,
      note: copying.note,
    }),
    ratioBar(input, {
      id: 'uring-copy',
      bar: 'uring-copy over copy, goodput',
      of: speed('uring-copy'),
      to: speed('copy'),
      atLeast: 1,
    }),
    ratioBar(input, {
      id: 'check-full',
      bar: 'copy with every byte checked over copy with none, goodput',
      ...checkedSides(input),
      atLeast: 0.85,
      note: checkedCost(input.trials, checkedSides(input)),
    }),
    ratioBar(input, {
      id: 'splice-connections',
      bar: `splice at ${count(MANY)} connections over splice at ${count(FEW)}, goodput`,
      of: { scenario: CONNECTIONS, label: 'splice', connections: MANY },
      to: { scenario: CONNECTIONS, label: 'splice', connections: FEW },
      atLeast: 0.7,
    }),
    memoryBar(input),
    ...['splice', 'copy'].map((mechanism) => recorderBar(input, mechanism)),
    ...['splice', 'copy'].map((mechanism) => idleBar(input, mechanism)),
    activeBar(input),
  ];
}

/** Two arms of one set; in runs from before that was possible, the same forwarder in two scenarios. */
function checkedSides({ trials }: BarsInput): { of: Side; to: Side } {
  const before = trials.some(
    ({ scenario, forwarder, check }) =>
      scenario === CHECKED && forwarder === 'copy' && check === 'full',
  );
  return before
    ? { of: { scenario: CHECKED, label: 'copy' }, to: { scenario: SPEED, label: 'copy' } }
    : { of: { scenario: CHECKED, label: CHECKED_COPY }, to: { scenario: CHECKED, label: 'copy' } };
}

function inScenario(wanted: string): (trial: TrialRecord) => boolean {
  return ({ scenario }) => scenario === wanted;
}

/** Whom a mechanism has to beat: the fastest of some programs, and what is to be said of the others. */
function rivalOf({ trials, measurements }: BarsInput, own: string, labels: readonly string[]) {
  const here = trials.filter(inScenario(SPEED));
  const best = fastest(here, labels);
  const absent = missing(measurements).filter(({ label }) => labels.includes(label));
  return {
    // Where none ran, the bar says why the first of them did not.
    label: best.label ?? absent[0]?.label ?? '',
    name: best.label ?? 'none ran',
    note: best.label === null ? null : beside(here, own, best, absent),
  };
}

function memoryBar({ measurements }: BarsInput): Bar {
  const samples = measurements.filter((each) => each.kind === 'memory');
  // Rounds of a block are no independent samples of the machine: a block gives one ratio.
  const ratios = [...new Set(samples.map(({ block }) => block))].flatMap((block) => {
    const own = samples.filter((sample) => sample.block === block);
    return median(own.map(({ match, memcpy }) => match / memcpy)) ?? [];
  });
  const speed = (of: (sample: (typeof samples)[number]) => number) =>
    figure(median(samples.map(of)));
  const note =
    samples[0] === undefined
      ? null
      : `Engine ${samples[0].engine}, ${samples[0].bytes / 1024} KiB: match ${speed(({ match }) => match)}, ` +
        `memcpy ${speed(({ memcpy }) => memcpy)}, fill ${speed(({ fill }) => fill)} GB/s.`;
  return judged(estimateMedian(ratios), {
    id: 'match-memcpy',
    bar: 'comparing with the stamp over memcpy, GB/s in L2',
    required: '>= 0.5',
    limit: 0.5,
    lessIsBetter: false,
    show: ratioNumber,
    reason: null,
    note,
  });
}

function recorderBar({ measurements }: BarsInput, mechanism: string): Bar {
  const samples = measurements.filter(
    (each) => each.kind === 'recorder-pair' || each.kind === 'call-costs',
  );
  const cost = recorderCosts(samples).find((each) => each.mechanism === mechanism);
  const byCalls =
    cost?.byCalls == null
      ? null
      : `Counters and recorder together take ${percent(cost.byCalls)} of the forwarder's CPU by their cost per call.`;
  return judged(cost?.goodput ?? estimateMedian([]), {
    id: `recorder-${mechanism}`,
    bar: `flight recorder on against off, goodput lost by ${mechanism}`,
    required: '<= 1 %',
    limit: 0.01,
    lessIsBetter: true,
    show: percent,
    reason: null,
    note: byCalls,
  });
}

function idleBar({ measurements }: BarsInput, mechanism: string): Bar {
  const sample = measurements.find(
    (each): each is IdleSample => each.kind === 'idle' && each.mechanism === mechanism,
  );
  const bar = `idle connections held by ${mechanism}`;
  const required = `${count(REQUIRED_IDLE)}, none fails, no pipe each`;
  const blank = { id: `idle-${mechanism}`, bar, required, ...NO_INTERVAL };
  if (sample === undefined) return { ...blank, ...unavailable('it was not measured') };
  const { asked, held, failed, resident_bytes, slab_bytes, pipes, note } = sample;
  const each = (total: number) => bytes(Math.max(0, total) / Math.max(1, held));
  const good = held >= asked && failed === 0 && pipes < held / 10;
  const enough = asked >= REQUIRED_IDLE;
  const kernel =
    slab_bytes === null
      ? ''
      : `, ${each(slab_bytes)} of kernel slabs (all four sockets, the endpoints' two included)`;
  return {
    ...blank,
    measured:
      (good && !enough ? `unavailable: only ${count(asked)} were asked for: ` : '') +
      `${count(held)} held, ${count(failed)} failed, ${plural(pipes, 'pipe')}; per connection ` +
      `${each(resident_bytes)} resident${kernel}`,
    value: held,
    n: asked,
    verdict: !good ? 'missed' : enough ? 'met' : 'unavailable',
    note: note === null ? null : `${note}.`,
  };
}

function activeBar({ trials }: BarsInput): Bar {
  const own = trials.filter(({ scenario }) => scenario === ACTIVE);
  const blank = {
    id: 'active',
    bar: 'active connections at once, every byte checked',
    required: `${count(REQUIRED_ACTIVE)}, none fails`,
    ...NO_INTERVAL,
  };
  if (own.length === 0) return { ...blank, ...unavailable('it was not measured') };
  const intact = own.filter(({ outcome }) => outcome === 'intact').length;
  const connections = Math.min(...own.map((trial) => trial.connections));
  const first = own.find(({ outcome }) => outcome !== 'intact');
  const labels = [...new Set(own.map(({ forwarder }) => forwarder))];
  return {
    ...blank,
    measured:
      `${count(intact)} of ${plural(own.length, 'trial')} of ${count(connections)} connections ` +
      `intact (${listed(labels)})`,
    value: intact,
    n: own.length,
    verdict: intact === own.length && connections >= REQUIRED_ACTIVE ? 'met' : 'missed',
    note: first === undefined ? null : `First: ${first.outcome}, ${first.error ?? 'no reason'}.`,
  };
}
