/** The options of the built-in mechanisms as docs/mechanisms.md shows them, from the registry. Pure. */
import { z } from 'zod';
import { formatSize } from '../../src/base/units/sizes.js';
import { builtinKind, builtinMechanisms } from '../../src/machine/forwarders/registry.js';
import { TEMPORARY } from '../../src/machine/forwarders/places.js';

/** The name of the section in docs/mechanisms.md. */
export const OPTION_SECTION = 'options';

/** A row per mechanism and option: what it may be, and what it is where the scenario says nothing. */
export function optionTable(): string {
  const rows = builtinMechanisms().flatMap((mechanism) =>
    Object.entries(settingsOf(mechanism)).map(
      ([option, field]) =>
        `| \`${mechanism}\` | \`${option}\` | ${valuesOf(field)} | ${defaultOf(field)} |`,
    ),
  );
  return ['| mechanism | option | values | default |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

function settingsOf(mechanism: string): Readonly<Record<string, z.ZodType>> {
  const runner = builtinKind(mechanism)?.runner;
  return runner?.kind === 'builtin' ? runner.settings.shape : {};
}

/** "true, false", "1 to 64", "4KiB to 8MiB". */
function valuesOf(field: z.ZodType): string {
  const inner = field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : field;
  if (inner instanceof z.ZodBoolean) return '`true`, `false`';
  if (inner instanceof z.ZodEnum) return inner.options.map((one) => `\`${one}\``).join(', ');
  if (inner instanceof z.ZodString) return 'a path';
  if (inner instanceof z.ZodNumber) return `${inner.minValue ?? ''} to ${inner.maxValue ?? ''}`;
  return `${size(limitOf(inner, 0))} to ${size(limitOf(inner, Number.MAX_SAFE_INTEGER))}`;
}

/** What a size may be at least or at most: what its complaint about a value beyond that says. */
function limitOf(field: z.ZodType, beyond: number): number {
  const said = field.safeParse(beyond).error?.issues[0]?.message ?? '';
  const limit = /expected at (?:least|most) (\d+) bytes/.exec(said)?.[1];
  if (limit === undefined) throw new Error(`an option without a limit at ${beyond}: '${said}'`);
  return Number(limit);
}

function defaultOf(field: z.ZodType): string {
  const value: unknown = field instanceof z.ZodDefault ? field.def.defaultValue : undefined;
  if (value === TEMPORARY) return '`$TMPDIR`, else `/tmp`';
  // As registry.ts has it: pipes keep their size.
  if (value === 0) return 'none';
  const isSize = typeof value === 'number' && !isWhole(field);
  return `\`${isSize ? size(value) : String(value)}\``;
}

function isWhole(field: z.ZodType): boolean {
  return field instanceof z.ZodDefault && field.unwrap() instanceof z.ZodNumber;
}

/** The largest that an int holds is no round number of anything. */
function size(bytes: number): string {
  return bytes === 2 ** 31 - 1 ? '2GiB - 1' : formatSize(bytes);
}
