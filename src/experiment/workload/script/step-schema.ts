/**
 * The steps of a script as a file has them: a word (`finish`), or a mapping of the word to what it
 * takes (`send: 64KiB`), with `as:` and `within:` beside it.
 */
import { z } from 'zod';
import type { ScriptBytes, ScriptStep } from '../../../data/record/script-plan.js';
import { duration, size, whole } from '../../../base/units/fields.js';
import { suggestion } from '../../../base/text/nearest.js';
import { shown } from '../../../base/units/sizes.js';

/** A step that has not come about by then has failed, seconds. */
const WITHIN = 10;
const MOST_WITHIN = 120;
/** Nothing moved for so long: it is blocked, or still. Seconds. */
const QUIET = 0.3;
const MOST_STEPS = 4096;

const bytes = z.unknown().transform((value, context): ScriptBytes => {
  if (value === 'size') return 'size';
  const parsed = size({ min: 1, max: 2 ** 40 }).safeParse(value);
  if (parsed.success) return parsed.data;
  const said = parsed.error.issues[0]?.message ?? 'not a size';
  context.addIssue({ code: 'custom', message: `${said}, or the word size`, input: value });
  return z.NEVER;
});
const time = duration({ min: 0, max: MOST_WITHIN });
const label = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'expected a lower-case name' });

/** What each word takes beside a shorthand. */
const FORMS = {
  send: z.strictObject({
    bytes: bytes.optional(),
    piece: size({ max: 65_536 }).optional(),
    interval: time.optional(),
    by: z.enum(['send', 'sendfile', 'splice', 'slots']).optional(),
    finish: z.boolean().optional(),
    until: z.enum(['blocked', 'held']).optional(),
    holds: size({ min: 0 }).optional(),
    quiet: time.optional(),
  }),
  read: z.strictObject({
    bytes: bytes.optional(),
    until: z.enum(['end']).optional(),
    rate: size().optional(),
    for: time.optional(),
  }),
  pause: z.strictObject({ for: time }),
  wait: z.strictObject({
    ended: z.literal(true).optional(),
    blocked: time.optional(),
    still: time.optional(),
    arrived: bytes.optional(),
    held: size({ min: 0 }).optional(),
    other: label.optional(),
    noticed: time.optional(),
  }),
} as const;
const BARE = ['finish', 'urgent', 'close', 'reset'] as const;
const VERBS = [...Object.keys(FORMS), ...BARE, 'repeat'] as const;

const BLANK: Omit<ScriptStep, 'do' | 'text'> = {
  as: null,
  until: 'done',
  by: 'send',
  bytes: 0,
  piece: 0,
  interval: 0,
  rate: 0,
  for: 0,
  quiet: QUIET,
  within: WITHIN,
  finish: false,
  other: null,
};

type Context = z.RefinementCtx;

/** Reports a problem of one step; what is returned is not used then. */
function refuse(context: Context, message: string, path: PropertyKey[] = []): never {
  context.addIssue({ code: 'custom', message, path, input: undefined });
  return z.NEVER;
}

const repeated = z.strictObject({
  times: whole(1, 1000),
  get steps() {
    return stepList;
  },
});

/** One step, or those of a `repeat`. */
const step = z.unknown().transform((value, context): ScriptStep[] => {
  const given = typeof value === 'string' ? { [value]: null } : value;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return refuse(context, `expected a step such as send: 64KiB or finish, got ${shown(value)}`);
  }
  const { as = null, within = WITHIN, ...rest } = given as Record<string, unknown>;
  const [[verb, argument] = ['', null], ...more] = Object.entries(rest);
  if (more.length > 0) {
    return refuse(context, `a step has one word besides as and within, got ${shown(value)}`);
  }
  if (!(VERBS as readonly string[]).includes(verb)) {
    const hint = suggestion(verb, VERBS);
    const valid = hint === '' ? `, expected one of ${VERBS.join(', ')}` : hint;
    return refuse(context, `no step '${verb}'${valid}`);
  }
  if (verb === 'repeat') return repeat(argument, context);
  const named = as === null ? null : label.safeParse(as);
  if (named?.success === false) return refuse(context, `as: expected a lower-case name`);
  const bound = duration({ min: 0.001, max: MOST_WITHIN }).safeParse(within);
  if (!bound.success) return refuse(context, `within: ${bound.error.issues[0]?.message ?? ''}`);
  const keys = detailOf(verb, argument, context);
  const text = argument === null ? verb : `${verb} ${textOf(argument)}`;
  return [
    {
      ...BLANK,
      ...keys,
      do: verb as ScriptStep['do'],
      text,
      as: named?.data ?? null,
      within: bound.data,
    },
  ];
});

function repeat(argument: unknown, context: Context): ScriptStep[] {
  const parsed = repeated.safeParse(argument);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      refuse(context, issue.message, ['repeat', ...issue.path]);
    }
    return z.NEVER;
  }
  const { times, steps } = parsed.data;
  return Array.from({ length: times }, () => steps).flat();
}

/** What a word's argument says. */
function detailOf(verb: string, argument: unknown, context: Context): Partial<ScriptStep> {
  if ((BARE as readonly string[]).includes(verb)) {
    return argument === null
      ? {}
      : refuse(context, `${verb} takes nothing, got ${shown(argument)}`);
  }
  const form = FORMS[verb as keyof typeof FORMS];
  const parsed = form.safeParse(longForm(verb, argument));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue?.path.join('.') ?? '';
    const keys = issue?.code === 'unrecognized_keys' ? issue.keys : [];
    const hint = keys[0] === undefined ? '' : suggestion(keys[0], Object.keys(form.shape));
    const said = keys[0] === undefined ? (issue?.message ?? '') : `unknown key '${keys[0]}'${hint}`;
    return refuse(context, `${verb}: ${at === '' ? '' : `${at}: `}${said}`);
  }
  return meaning(verb, parsed.data as Record<string, never>, context);
}

/** `send: 64KiB` is `send: {bytes: 64KiB}`, and so on. */
function longForm(verb: string, argument: unknown): unknown {
  if (typeof argument === 'object' && argument !== null) return argument;
  if (verb === 'pause') return { for: argument };
  if (verb === 'read' && argument === 'end') return { until: 'end' };
  if (verb === 'wait' && argument === 'ended') return { ended: true };
  if (verb === 'wait' && (argument === 'blocked' || argument === 'still')) {
    return { [argument]: QUIET };
  }
  return { bytes: argument };
}

interface Given {
  bytes?: ScriptBytes;
  piece?: number;
  interval?: number;
  by?: ScriptStep['by'];
  finish?: boolean;
  until?: 'blocked' | 'held' | 'end';
  holds?: number;
  quiet?: number;
  rate?: number;
  for?: number;
  ended?: true;
  blocked?: number;
  still?: number;
  arrived?: ScriptBytes;
  held?: number;
  other?: string;
  noticed?: number;
}

function meaning(verb: string, given: Given, context: Context): Partial<ScriptStep> {
  switch (verb) {
    case 'send': {
      const { holds = 0, until, bytes: amount, ...rest } = given;
      if (until === undefined && amount === undefined) {
        return refuse(context, 'send: expected bytes, or until: blocked or held');
      }
      return { ...rest, until: until ?? 'done', bytes: until === 'held' ? holds : (amount ?? 0) };
    }
    case 'read': {
      if (given.bytes === undefined && given.until === undefined && given.for === undefined) {
        return refuse(context, 'read: expected bytes, for, or end');
      }
      return { ...given, until: given.until ?? 'done' };
    }
    case 'pause':
      return { for: given.for ?? 0 };
    default: {
      const conditions = Object.keys(given);
      if (conditions.length !== 1) return refuse(context, 'wait: expected one condition');
      if (given.ended === true) return { until: 'end' };
      if (given.blocked !== undefined) return { until: 'blocked', quiet: given.blocked };
      if (given.still !== undefined) return { until: 'still', quiet: given.still };
      if (given.arrived !== undefined) return { until: 'arrived', bytes: given.arrived };
      if (given.held !== undefined) return { until: 'held', bytes: given.held };
      if (given.noticed !== undefined) return { until: 'noticed', quiet: given.noticed };
      return { until: 'other', other: given.other ?? '' };
    }
  }
}

function textOf(argument: unknown): string {
  if (typeof argument !== 'object' || argument === null) return String(argument);
  const entries = Object.entries(argument).map(([key, value]) => `${key}: ${String(value)}`);
  return `{${entries.join(', ')}}`;
}

/** The steps of one end, in order, repeats written out. */
export const stepList: z.ZodType<ScriptStep[]> = z
  .array(step)
  .transform((steps) => steps.flat())
  .refine((steps) => steps.length <= MOST_STEPS, { error: `expected at most ${MOST_STEPS} steps` });
