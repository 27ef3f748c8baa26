/** The keys of a churn of connections, and what does not go together in one. */
import { whole } from '../../../base/units/fields.js';
import { shortCount } from '../../../base/units/quantity.js';
import { BODY } from '../common/fields.js';
import { exchangeFault, type OwnKeys, type Room, wrongValue } from '../common/room.js';

/** The least bytes that prove a place in a stamped stream. */
const LEAST_CHECKED_BODY = 16;

/** `--quick` cuts a fixed number of connections to this. */
const QUICK_TRANSFERS = 500;
/** Connections per second until a trial has shown it. */
const ASSUMED_CHURN = 5000;

export const CHURN = {
  fields: {
    /** Bytes of each connection and direction. */
    body: BODY,
    /** Connections in all, instead of `seconds`. */
    transfers: whole(1, 1_000_000_000).nullable(),
  },
  defaults: {
    direction: 'download',
    body: 16_384,
    transfers: null,
  } satisfies OwnKeys<'churn'>,
  conflicts({ body, check }, direction) {
    const fault = exchangeFault('churn', direction);
    if (fault !== null) return [fault];
    if (check === 'none' || body >= LEAST_CHECKED_BODY) return [];
    const message =
      `workload.body: fewer than ${LEAST_CHECKED_BODY} bytes do not say whose they are, ` +
      `expected more or check: none, got ${body}`;
    return [wrongValue('body', message)];
  },
  quick: (workload) => ({
    ...workload,
    transfers: workload.transfers === null ? null : Math.min(workload.transfers, QUICK_TRANSFERS),
  }),
  amountSeconds: ({ transfers }) => (transfers === null ? null : transfers / ASSUMED_CHURN),
  main: {
    metric: 'connections_per_second',
    name: 'conns',
    unit: '/s',
    title: 'connections per second',
    heading: 'Connections per second',
    format: shortCount,
  },
  verbs: { present: 'carries', past: 'carried' },
  compared: (figures, { name }) => `${figures} as many connections per second as ${name}`,
} satisfies Room<'churn'>;
