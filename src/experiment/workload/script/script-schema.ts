/** The keys of a script in a scenario or a case, and what does not go together in one. */
import { z } from 'zod';
import {
  END_EXPECTATIONS,
  type ScriptEnd,
  type ScriptPlan,
} from '../../../data/record/script-plan.js';
import { PREFIXES } from '../../../data/record/words.js';
import type { ScriptWorkload } from '../../../data/record/plan.js';
import { duration, share, size, whole } from '../../../base/units/fields.js';
import { figure } from '../../../base/units/quantity.js';
import { suggestion } from '../../../base/text/nearest.js';
import { type OwnKeys, type Room, type WorkloadProblem, wrongValue } from '../common/room.js';
import { stepList } from './step-schema.js';

const socketBuffer = size({ min: 1024, max: 2 ** 30 })
  .nullable()
  .default(null);

const longEnd = z.strictObject({
  steps: stepList,
  rcvbuf: socketBuffer,
  sndbuf: socketBuffer,
  mss: size({ min: 88, max: 32_767 }).nullable().default(null),
  nodelay: z.boolean().default(true),
});

/** A list of steps, or a mapping with the list and the socket's options. */
const scriptEndSchema = z.union([
  stepList.transform((steps): ScriptEnd => ({
    steps,
    rcvbuf: null,
    sndbuf: null,
    mss: null,
    nodelay: true,
  })),
  longEnd,
]);

const oneSize = size({ min: 1, max: 2 ** 30 });

/** Sizes, or the sizes around each of some: one less, itself, one more. */
const sizesSchema = z.union([
  z.array(oneSize).max(64),
  z
    .strictObject({ around: z.array(oneSize).min(1).max(32) })
    .transform(({ around }) =>
      [...new Set(around.flatMap((n) => [n - 1, n, n + 1]))]
        .filter((n) => n > 0)
        .toSorted((a, b) => a - b),
    ),
]);

const side = z.enum(['client', 'server']);

const expectSchema = z.strictObject({
  client: z.enum(END_EXPECTATIONS).default('everything'),
  server: z.enum(END_EXPECTATIONS).default('everything'),
  within: z
    .array(z.strictObject({ end: side, step: z.string(), time: duration({ min: 0.001 }) }))
    .default([]),
  idle: z
    .strictObject({ end: side, step: z.string(), cpu: share({ min: 0.001 }) })
    .nullable()
    .default(null),
  residue: z.boolean().default(false),
});

const NO_STEPS: ScriptEnd = { steps: [], rcvbuf: null, sndbuf: null, mss: null, nodelay: true };

export const SCRIPT = {
  fields: {
    /** The steps of both ends. */
    client: scriptEndSchema,
    server: scriptEndSchema,
    /** What the forwarder sends to the server before each stream. */
    prefix: z.enum(PREFIXES).nullable(),
    /** How often the conversation is held. */
    repeat: whole(1, 1_000_000),
    sizes: sizesSchema,
    /** What is right. */
    expect: expectSchema,
  },
  defaults: {
    direction: 'both',
    client: NO_STEPS,
    server: NO_STEPS,
    prefix: null,
    repeat: 1,
    sizes: [],
    expect: expectSchema.parse({}),
  } satisfies OwnKeys<'script'>,
  conflicts: scriptConflicts,
  // A script is judged, not compared: this is what its record has.
  main: {
    metric: 'goodput',
    name: '',
    unit: 'Gbps',
    title: 'goodput, Gbps',
    heading: 'Goodput, pauses included',
    format: figure,
  },
  verbs: { present: 'forwards', past: 'forwarded' },
  compared: (figures, { name }) => `${figures} as fast as ${name}`,
} satisfies Room<'script'>;

/** The same keys where a script stands alone, in a case: without steps there is none. */
export const scriptKeys = {
  ...SCRIPT.fields,
  repeat: SCRIPT.fields.repeat.default(SCRIPT.defaults.repeat),
  prefix: SCRIPT.fields.prefix.default(SCRIPT.defaults.prefix),
  sizes: SCRIPT.fields.sizes.default(SCRIPT.defaults.sizes),
  expect: SCRIPT.fields.expect.prefault({}),
};

function scriptConflicts(workload: ScriptWorkload, direction: string): WorkloadProblem[] {
  const problems = scriptProblems(workload);
  if (direction !== 'both') {
    const message = `workload.direction: a script says itself who sends, expected no direction, got '${direction}'`;
    problems.push(wrongValue('direction', message));
  }
  if (workload.check === 'none') {
    const message = `workload.check: a script judges every byte, expected check: full`;
    problems.push(wrongValue('check', message));
  }
  for (const end of ['client', 'server'] as const) {
    if (workload[end].steps.length > 0) continue;
    const message = `workload.${end}: a script needs the steps of both ends, expected a list such as [send: 64KiB, finish]`;
    problems.push(wrongValue(end, message));
  }
  return problems;
}

/** Names that nobody has, and sizes without a list. */
function scriptProblems(plan: ScriptPlan): WorkloadProblem[] {
  const problems: WorkloadProblem[] = [];
  for (const [end, other] of [
    ['client', 'server'],
    ['server', 'client'],
  ] as const) {
    const names = namesOf(plan[other]);
    for (const [index, step] of plan[end].steps.entries()) {
      if (step.other !== null && !names.includes(step.other)) {
        const hint = suggestion(step.other, names);
        const message = `workload.${end}, step ${index + 1}: no step of the ${other} is called '${step.other}'${hint}`;
        problems.push(wrongValue(end, message));
      }
      if (step.bytes === 'size' && plan.sizes.length === 0) {
        const message = `workload.${end}, step ${index + 1}: 'size' stands for each of sizes, which is not given`;
        problems.push(wrongValue(end, message));
      }
    }
  }
  const { within, idle } = plan.expect;
  for (const wanted of [...within, ...(idle === null ? [] : [idle])]) {
    const names = namesOf(plan[wanted.end]);
    if (names.includes(wanted.step)) continue;
    const message = `workload.expect: no step of the ${wanted.end} is called '${wanted.step}'${suggestion(wanted.step, names)}`;
    problems.push(wrongValue('expect', message));
  }
  return problems;
}

function namesOf({ steps }: ScriptEnd): string[] {
  return steps.flatMap(({ as }) => as ?? []);
}
