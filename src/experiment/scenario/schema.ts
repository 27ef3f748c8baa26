/**
 * The scenario file, as zod sees it. The shape and the defaults are here, those of the
 * workload in src/experiment/workload/schema.ts; what depends on several keys at once, such as labels, matrices and the
 * baseline, is in expand.ts.
 */
import { z } from 'zod';
import { endHostsSchema, forwarderHostSchema, HOST_KEYS } from '../../data/record/hosts-plan.js';
import { addressesSchema, NIC_KEYS, portsSchema } from '../../data/record/nic-plan.js';
import { bitRate, cpuList, duration, onOff, share, size, whole } from '../../base/units/fields.js';
import { HIGHEST_CPU } from '../../base/units/sizes.js';
import { workloadSchema } from '../workload/schema.js';

/** Why a list is refused where it would be the natural thing to write, by path of the key. */
export const NOT_A_LIST: Readonly<Record<string, string>> = {
  'topology.forwarder': 'a trial has one forwarder, be there several sources and sinks or not',
};

/** Names end up in trial ids, CSV cells and file names. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Congestion controls are kernel module names; sysctls those of a network namespace. */
const CONGESTION = /^[a-z0-9_]+$/;
const SYSCTL = /^net\.[a-z0-9_.-]+$/i;

const congestion = z.string().regex(CONGESTION, {
  error: 'expected the name of a congestion control such as cubic',
});

const sysctls = z
  .record(z.string(), z.union([z.string(), z.number()]).transform(String))
  .superRefine((value, context) => {
    for (const name of Object.keys(value)) {
      if (SYSCTL.test(name)) continue;
      const message = `expected a sysctl under net., which a network namespace has of its own, got '${name}'`;
      context.addIssue({ code: 'custom', path: [name], message, input: name });
    }
  });

function isReceiver(value: unknown): boolean {
  return value === 'forwarder' || whole(0, HIGHEST_CPU).safeParse(value).success;
}

export const topologySchema = z.strictObject({
  kind: z.enum(['loopback', 'veth', 'hosts', 'nic']).default('loopback'),
  /** Congestion control of every socket, where the run may set it; topology.ts has the default. */
  congestion: congestion.optional(),
  sysctls: sysctls.default({}),
  /** Of veth and nic; topology.ts has their defaults. */
  mtu: size({ min: 576, max: 65_535 }).optional(),
  /** TSO, GSO and GRO at once; each key of its own goes before. */
  offloads: onOff().optional(),
  tso: onOff().optional(),
  gso: onOff().optional(),
  gro: onOff().optional(),
  checksum: onOff().optional(),
  /** Of veth only. */
  queues: whole(1, 64).optional(),
  rate: bitRate({ min: 1e5, max: 1e12 }).nullable().optional(),
  shaper: z.enum(['tbf', 'htb']).optional(),
  /** Of veth `forwarder`, of loopback a CPU; null = as the kernel does it. */
  receive: z
    .custom<'forwarder' | number>(isReceiver, {
      error: "expected 'forwarder' (topology veth) or the number of a CPU (topology loopback)",
    })
    .nullable()
    .optional(),
  /** Of hosts only. */
  source: endHostsSchema.optional(),
  forwarder: forwarderHostSchema.optional(),
  sink: endHostsSchema.optional(),
  /** Of nic only. */
  ports: portsSchema.optional(),
  addresses: addressesSchema.optional(),
  'take-busy-ports': z.boolean().optional(),
});

/** `min` and `max` get their defaults in expand.ts, since each bounds the other. */
const blocksSchema = z.strictObject({
  min: whole(1, 100_000).optional(),
  max: whole(1, 100_000).optional(),
  /** Relative width of the 95 % interval of a ratio at which a cell may stop. */
  target: share().default(0.03),
  /** Ratios within so much of 1 are equivalent. */
  equivalent: share().default(0.03),
  /** How many rounds a set has: earlier sets decide. Absent = `workload.seconds` does. */
  rounds: z.literal('auto').optional(),
  /** Seconds for the whole scenario; null = no limit. */
  budget: duration({ min: 1, max: 30 * 86_400 })
    .nullable()
    .default(null),
});

const pinSchema = z.strictObject({
  source: cpuList(),
  forwarder: cpuList(),
  sink: cpuList(),
});

const head = {
  name: z.string().regex(NAME, {
    error: 'expected a name of letters, digits, dots, dashes and underscores',
  }),
  description: z.string().optional(),
};

/** A file without forwarders of its own: it stands for other scenarios, by name or path. */
export const suiteSchema = z.strictObject({ ...head, include: z.array(z.string().min(1)).min(1) });

export const scenarioSchema = z.strictObject({
  ...head,
  /** Further scenarios that run after this one. */
  include: z.array(z.string().min(1)).default([]),
  topology: topologySchema.prefault({}),
  workload: workloadSchema.prefault({}),
  matrix: z.record(z.string(), z.array(z.unknown()).min(1)).default({}),
  /** Entries are checked against their kinds in expand.ts. */
  forwarders: z.array(z.unknown()).min(1),
  baseline: z.string().optional(),
  blocks: blocksSchema.prefault({}),
  pin: pinSchema.nullable().default(null),
  thresholds: z.array(z.string()).default([]),
});

/** A scenario file after its defaults, before forwarders are resolved and the matrix is expanded. */
export type ScenarioFile = z.output<typeof scenarioSchema>;

/**
 * The keys that are valid at a path of the file, or null where any key is, or none.
 * @param path from the top, e.g. ['workload']
 */
export function keysAt(path: readonly PropertyKey[]): string[] | null {
  let schema: z.core.$ZodType | undefined = scenarioSchema;
  for (const step of path) {
    schema = typeof step === 'number' ? entryOf(schema) : shapeOf(schema)[String(step)];
    if (schema === undefined) return null;
  }
  const keys = Object.keys(shapeOf(schema));
  return keys.length === 0 ? null : keys;
}

/** The field of a dotted path such as `workload.check`, without its default; null when there is none. */
export function fieldAt(section: string, key: string): z.ZodType | null {
  const schema = section === 'workload' ? workloadSchema : topologySchema;
  // Where the parts run is no condition to vary: the cell's key could not say it.
  const places: readonly string[] = [...HOST_KEYS, ...NIC_KEYS];
  if (section !== 'workload' && places.includes(key)) return null;
  const field: unknown = (schema.shape as Record<string, unknown>)[key];
  if (!(field instanceof z.ZodType)) return null;
  const optional = field instanceof z.ZodDefault || field instanceof z.ZodOptional;
  return optional ? (field.unwrap() as z.ZodType) : field;
}

/** Of alternatives the mapping among them; empty where there is none. */
function shapeOf(schema: z.core.$ZodType | undefined): Record<string, z.core.$ZodType> {
  const object = alternatives(schema).find((one) => one instanceof z.ZodObject);
  return object?.shape ?? {};
}

/** What a list has, of alternatives the list among them. */
function entryOf(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  return alternatives(schema).find((one) => one instanceof z.ZodArray)?.element;
}

function alternatives(schema: z.core.$ZodType | undefined): (z.core.$ZodType | undefined)[] {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodUnion ? inner.options.map(unwrapped) : [inner];
}

function unwrapped(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.unwrap();
  }
  return inner;
}
