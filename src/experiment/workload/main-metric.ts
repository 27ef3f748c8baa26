/** What each kind of workload is for, as a metric of summary.csv. */
import { type Metric, METRICS } from '../../data/record/metrics.js';
import type { Kind } from './common/room.js';
import { roomOf } from './rooms.js';

/** @param kind absent in what was stored before there were kinds */
export function mainMetric(kind: Kind | undefined): Metric {
  const name = roomOf(kind ?? 'stream').main.metric;
  const found = METRICS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no metric '${name}'`);
  return found;
}
