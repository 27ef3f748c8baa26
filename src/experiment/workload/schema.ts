/**
 * The workload of a scenario file: every key of every kind in one flat mapping, so that a matrix can
 * vary each. What a kind has, and what goes together in it, is in the kind's room.
 */
import { z } from 'zod';
import type { StreamWorkload, Workload } from '../../data/record/plan.js';
import { COMMON_DEFAULTS, COMMON_FIELDS, rateNumber } from './common/fields.js';
import { type Kind, type WorkloadProblem, wrongValue } from './common/room.js';
import { KINDS, roomOf, ROOMS } from './rooms.js';

/** A stream of which nothing was asked. */
export const PLAIN_STREAM: StreamWorkload = {
  kind: 'stream',
  ...COMMON_DEFAULTS,
  ...ROOMS.stream.defaults,
};

/** As written: nothing is filled in, for what is absent depends on the kind. */
export const workloadSchema = z
  .strictObject({
    kind: z.enum(KINDS),
    direction: z.enum(['download', 'upload', 'both', 'exchange']),
    ...COMMON_FIELDS,
    ...ROOMS.stream.fields,
    ...ROOMS.exchange.fields,
    ...ROOMS.churn.fields,
    ...ROOMS.http.fields,
    ...ROOMS.script.fields,
  })
  .partial();

/** A workload as the file has it, one value of the matrix laid over it. */
export type GivenWorkload = z.output<typeof workloadSchema>;

/** Fills in what is absent, and says which keys do not belong to the kind or to each other. */
export function completeWorkload(given: GivenWorkload): {
  workload: Workload;
  problems: WorkloadProblem[];
} {
  const kind = kindOf(given);
  const room = roomOf(kind);
  const defaults = { ...COMMON_DEFAULTS, ...room.defaults };
  const valid: readonly string[] = ['kind', ...Object.keys(defaults)];
  const entries = Object.entries(given) as [keyof GivenWorkload, unknown][];
  const problems = entries
    .filter(([key]) => !valid.includes(key))
    .map(([key]): WorkloadProblem => ({ key, message: foreignKey(key, kind), wrongKey: true }));
  const own = Object.fromEntries(entries.filter(([key]) => valid.includes(key)));
  const rate = given.rate ?? null;
  const rateFault = rate === null ? null : (room.rateFault?.(rate) ?? null);
  if (rateFault !== null) problems.push(wrongValue('rate', rateFault));
  const ofRate = 'rate' in own ? { rate: rate === null ? null : rateNumber(rate) } : {};
  // The schema has checked each value, and the defaults have every key of the kind.
  const whole = { ...defaults, ...own, ...ofRate, kind } as Workload;
  // As the file has it: the schema accepts the directions of all kinds.
  problems.push(...room.conflicts(whole, whole.direction));
  return { workload: room.settle?.(whole) ?? whole, problems };
}

/** `direction: exchange` says the kind by itself. */
function kindOf({ kind, direction }: GivenWorkload): Kind {
  return kind ?? (direction === 'exchange' ? 'exchange' : 'stream');
}

/** "workload.request belongs to kind: exchange, not to stream". */
function foreignKey(key: string, kind: Kind): string {
  const owners = KINDS.filter((each) => key in ROOMS[each].defaults);
  return `workload.${key} belongs to kind: ${owners.join(', ')}, not to ${kind}`;
}
