/** What a cell's comparison is about, by the kind of its workload: the figure, its name and its unit. */
import type { WorkloadKind } from '../results/record.js';
import type { MetricName } from './model.js';
import { figure, shortCount } from './quantity.js';

/** How a figure is headed and written. */
export interface FigureColumn {
  metric: MetricName;
  /** Where width is scarce: name and unit. */
  name: string;
  unit: string;
  title: string;
  format: (value: number | null) => string;
}

export interface Subject extends FigureColumn {
  /** In headings and sentences: "Goodput". */
  heading: string;
  moreIsBetter: boolean;
}

const SUBJECTS: Readonly<Record<WorkloadKind, Subject>> = {
  stream: {
    metric: 'goodput',
    name: '',
    unit: 'Gbps',
    title: 'goodput, Gbps',
    format: figure,
    heading: 'Goodput',
    moreIsBetter: true,
  },
  exchange: {
    metric: 'latency_p99',
    name: 'p99',
    unit: 'µs',
    title: 'latency p99, µs',
    format: figure,
    heading: 'Latency p99',
    moreIsBetter: false,
  },
  churn: {
    metric: 'connections_per_second',
    name: 'conns',
    unit: '/s',
    title: 'connections per second',
    format: shortCount,
    heading: 'Connections per second',
    moreIsBetter: true,
  },
  http: {
    metric: 'requests_per_second',
    name: 'reqs',
    unit: '/s',
    title: 'requests per second',
    format: shortCount,
    heading: 'Requests per second',
    moreIsBetter: true,
  },
};

/** @param kind absent in what was stored before there were kinds */
export function subjectOf(kind: WorkloadKind | undefined): Subject {
  return SUBJECTS[kind ?? 'stream'];
}
