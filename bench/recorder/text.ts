/** The recorder's cost as a person reads it. */
import { table } from '../table.js';
import { type MedianEstimate, median } from '../../src/base/statistics/interval.js';
import { figure, plural } from '../../src/base/units/quantity.js';
import { bookkeepingNs, recorderCosts, type RecorderSample } from './samples.js';

export function recorderText(samples: readonly RecorderSample[]): string {
  const costs = recorderCosts(samples);
  const rows = costs.map(({ mechanism, goodput, cpu, byCalls }) => [
    mechanism,
    String(goodput.n),
    share(goodput),
    share(cpu),
    byCalls === null ? 'n/a' : percent(byCalls),
  ]);
  const calls = samples.filter((sample) => sample.kind === 'call-costs');
  const counters = median(calls.map(({ none, counted }) => counted - none));
  return [
    table(['mechanism', 'pairs', 'goodput lost', 'CPU added', 'of CPU, by calls'], rows, 1),
    `Recorder on against off, paired; 95 % intervals. Counters are on in both.`,
    `By calls: counters and recorder add ${figure(bookkeepingNs(samples))} ns to a call that moves`,
    `data, counters alone ${figure(counters)} ns (${plural(calls.length, 'round')}).`,
    '',
  ].join('\n');
}

function share({ median: value, interval }: MedianEstimate): string {
  if (value === null) return 'n/a';
  if (interval === null) return percent(value);
  return `${percent(value)} [${percent(interval.low)}, ${percent(interval.high)}]`;
}

/** "0.42 %"; a share is signed, and zero is not. */
export function percent(value: number): string {
  const rounded = (value * 100).toFixed(2);
  return `${Number(rounded) === 0 ? '0.00' : rounded} %`;
}
