/** What a cell's comparison is about, by the kind of its workload: the figure, its name and its unit. */
import type { Subject } from './report-types.js';
import type { WorkloadKind } from '../../data/record/words.js';
import { mainMetric } from '../../experiment/workload/main-metric.js';
import { ROOMS } from '../../experiment/workload/rooms.js';

/** @param kind absent in what was stored before there were kinds */
export function subjectOf(kind: WorkloadKind = 'stream'): Subject {
  return { ...ROOMS[kind].main, moreIsBetter: mainMetric(kind).moreIsBetter };
}
