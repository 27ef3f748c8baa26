/** The keys of HTTP requests, and what does not go together in them. */
import { whole } from '../../../base/units/fields.js';
import { shortCount } from '../../../base/units/quantity.js';
import { formatBitRate, formatDuration } from '../../../base/units/sizes.js';
import { BODY, RATE, rateNumber } from '../common/fields.js';
import type { HttpWorkload } from '../../../data/record/plan.js';
import { type OwnKeys, type Room, type WorkloadProblem, wrongValue } from '../common/room.js';

/** Bodies are held in memory, sixteen different ones at both ends. */
const MOST_HTTP_BODY = 16 * 2 ** 20;
/** Requests per second that anybody could ask autocannon for. */
const MOST_REQUESTS = 1_000_000;

export const HTTP = {
  fields: {
    /** Bytes of each response's body. */
    body: BODY,
    /** Requests under way per connection. */
    pipelining: whole(1, 1000),
    /** Requests per second in all; null = each follows the response before it. */
    rate: RATE,
  },
  defaults: {
    direction: 'download',
    body: 16_384,
    pipelining: 1,
    rate: null,
  } satisfies OwnKeys<'http'>,
  rateFault(given) {
    const value = rateNumber(given);
    const isNumber = typeof given === 'number';
    if (isNumber && Number.isInteger(value) && value <= MOST_REQUESTS) return null;
    const got = isNumber ? value : formatBitRate(value);
    return `workload.rate: http counts requests per second, expected a whole number up to ${MOST_REQUESTS}, got ${got}`;
  },
  conflicts(workload, direction) {
    const { body } = workload;
    const problems = openLoopFaults(workload);
    if (direction !== 'download') {
      const message = `workload.direction: responses come down, expected 'download', got '${direction}'`;
      problems.push(wrongValue('direction', message));
    }
    if (body > MOST_HTTP_BODY) {
      const message = `workload.body: expected at most 16MiB for kind: http, got ${body}`;
      problems.push(wrongValue('body', message));
    }
    return problems;
  },
  main: {
    metric: 'requests_per_second',
    name: 'reqs',
    unit: '/s',
    title: 'requests per second',
    heading: 'Requests per second',
    format: shortCount,
  },
  verbs: { present: 'lets through', past: 'let through' },
  compared: (figures, { name }) => `${figures} as many requests per second as ${name}`,
} satisfies Room<'http'>;

/**
 * What autocannon cannot do at a rate. It shares the rate out among the connections, with fewer of them where one
 * would have none; each asks for its part anew in every second.
 */
function openLoopFaults({
  rate,
  connections,
  pipelining,
  seconds,
}: HttpWorkload): WorkloadProblem[] {
  if (rate === null) return [];
  const problems: WorkloadProblem[] = [];
  if (rate < connections) {
    const message = `workload.rate: each connection sends in every second, expected at least ${connections} for ${connections} connections, got ${rate}`;
    problems.push(wrongValue('rate', message));
  }
  if (pipelining > 1) {
    const message = `workload.pipelining: a latency is corrected by the interval of one request at a time, expected 1 with a rate, got ${pipelining}`;
    problems.push(wrongValue('pipelining', message));
  }
  if (!Number.isInteger(seconds)) {
    const message = `workload.seconds: autocannon keeps a rate by the second, expected whole seconds with a rate, got ${formatDuration(seconds)}`;
    problems.push(wrongValue('seconds', message));
  }
  return problems;
}
