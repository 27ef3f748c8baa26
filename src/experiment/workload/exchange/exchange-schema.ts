/** The keys of an exchange, and what does not go together in one. */
import { share, size } from '../../../base/units/fields.js';
import { figure } from '../../../base/units/quantity.js';
import { formatBitRate, formatDuration } from '../../../base/units/sizes.js';
import { RATE, rateNumber } from '../common/fields.js';
import { type OwnKeys, type Room, type WorkloadProblem, wrongValue } from '../common/room.js';

/** The shortest warm-up that tells a capacity, seconds: half of it is measured. */
const LEAST_CAPACITY_WARMUP = 0.1;

/** Requests per second that anybody could ask for. */
const MOST_REQUESTS = 10_000_000;

export const EXCHANGE = {
  fields: {
    /** Bytes of each request and each response. */
    request: size({ max: 2 ** 30 }),
    response: size({ max: 2 ** 30 }),
    /** Requests per second in all; null = each follows the response before it. */
    rate: RATE,
    /** The rate as a share of the capacity that the warm-up finds. */
    load: share({ min: 0.01, max: 2 }).nullable(),
  },
  defaults: {
    direction: 'exchange',
    request: 64,
    response: 64,
    rate: null,
    load: null,
  } satisfies OwnKeys<'exchange'>,
  rateFault(given) {
    const value = rateNumber(given);
    const isNumber = typeof given === 'number';
    if (isNumber && value <= MOST_REQUESTS) return null;
    const got = isNumber ? value : formatBitRate(value);
    return `workload.rate: an exchange counts requests per second, expected a number up to ${MOST_REQUESTS}, got ${got}`;
  },
  conflicts({ rate, load, warmup }, direction) {
    const problems: WorkloadProblem[] = [];
    if (direction !== 'exchange') {
      const message = `workload.direction: an exchange goes both ways, expected no direction, got '${direction}'`;
      problems.push(wrongValue('direction', message));
    }
    if (rate !== null && load !== null) {
      const message = 'workload.load: is a rate of its own, expected either rate or load';
      problems.push(wrongValue('load', message));
    }
    if (load !== null && warmup < LEAST_CAPACITY_WARMUP) {
      const message =
        `workload.load: the warm-up measures the capacity, expected warmup of at least ` +
        `${formatDuration(LEAST_CAPACITY_WARMUP)}, got ${formatDuration(warmup)}`;
      problems.push(wrongValue('load', message));
    }
    return problems;
  },
  main: {
    metric: 'latency_p99',
    name: 'p99',
    unit: 'µs',
    title: 'latency p99, µs',
    heading: 'Latency p99',
    format: figure,
  },
  verbs: { present: 'answers within', past: 'answered within' },
  compared: (figures, { label }) => `${figures} of ${label}'s p99`,
} satisfies Room<'exchange'>;
