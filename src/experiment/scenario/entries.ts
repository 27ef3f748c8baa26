/**
 * The forwarders of a scenario: entries checked against the registry's kinds, labels made unique.
 */
import { z } from 'zod';
import { findProgram } from '../../base/process/program.js';
import { suggestion } from '../../base/text/nearest.js';
import type { ForwarderEntry, OwnEnds } from '../../data/record/plan.js';
import { CHECKS, PAGES, PAYLOADS } from '../../data/record/words.js';
import { type Problem, problemsOf, unknownKey } from './problems.js';
import { shown } from '../../base/units/sizes.js';

/** What this module needs to know of a registry entry. */
export interface OptionedKind {
  use: string;
  options: z.ZodObject;
  /** As of the registry: the version of a program that the entry names, for its label. */
  versionOf?: (options: Record<string, unknown>) => string | null;
}

/** The registry, by the word after `use`. */
export type Kinds = ReadonlyMap<string, OptionedKind>;

/** Labels: free text, except for what CSV, `--only` and thresholds could not carry. */
const LABEL = /^[^\s\p{Cc},"<>=!](?:[^\p{Cc},"<>=!]*[^\s\p{Cc},"<>=!])?$/u;

/** An entry as it stands in the file, half checked. */
interface RawEntry {
  index: number;
  use: string;
  name: string | null;
  /** The word after `use`, with the version of a program that the entry names. */
  stem: string;
  /** As written. */
  written: Record<string, unknown>;
  /** As validated. */
  options: Record<string, unknown>;
  strace: boolean;
  recorded: boolean;
  ends: OwnEnds;
}

/**
 * Resolves the entries of `forwarders:`. Labels are the given names, else the word after `use`, with
 * the differing options where two entries would have the same: `splice(pipe=64KiB)`.
 * A program of the user's own carries its version: `haproxy 3.2.1`.
 * @param entries the list as it stands in the file
 * @param here whether programs are started on this host, and so have to be on it
 * @returns the entries that are valid, and what is wrong with the others
 */
export function resolveEntries(
  entries: readonly unknown[],
  kinds: Kinds,
  here = true,
): { forwarders: ForwarderEntry[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const raw: RawEntry[] = [];
  for (const [index, entry] of entries.entries()) {
    const checked = checkEntry(entry, index, kinds, problems);
    if (checked === null) continue;
    const fault = here ? programFault(checked.options) : null;
    if (fault !== null) {
      const message = `forwarders[${index}].program: ${fault}`;
      problems.push({ path: ['forwarders', index, 'program'], message });
    }
    raw.push(checked);
  }
  const forwarders = raw.map((entry) => ({
    label: entry.name ?? automaticLabel(entry, raw),
    use: entry.use,
    options: entry.options,
    ...(entry.strace ? { strace: true as const } : {}),
    ...(entry.recorded ? { calls: 'recorder' as const } : {}),
    ...entry.ends,
  }));
  const firstOf = new Map<string, number>();
  for (const [position, { label }] of forwarders.entries()) {
    if (!firstOf.has(label)) {
      firstOf.set(label, position);
      continue;
    }
    const index = raw[position]?.index ?? 0;
    const message = `forwarder '${label}' is listed twice; give one of them a name`;
    problems.push({ path: ['forwarders', index], message });
  }
  return { forwarders, problems };
}

/** What is wrong with the program that an entry names; null = nothing, or it names none. */
function programFault({ program }: Record<string, unknown>): string | null {
  if (typeof program !== 'string' || findProgram(program) !== null) return null;
  return `${program}: no such program, or not one that may be executed`;
}

function checkEntry(
  entry: unknown,
  index: number,
  kinds: Kinds,
  problems: Problem[],
): RawEntry | null {
  const path = ['forwarders', index];
  const {
    use,
    name,
    strace = false,
    calls,
    check,
    payload,
    pages,
    ...written
  } = typeof entry === 'string' ? { use: entry } : isMapping(entry) ? entry : {};
  if (typeof use !== 'string') {
    const message = `forwarders[${index}]: expected a forwarder's name or {use: NAME, ...}, got ${shown(entry)}`;
    problems.push({ path, message });
    return null;
  }
  const kind = kinds.get(use);
  if (kind === undefined) {
    const message = `unknown forwarder '${use}'${suggestion(use, kinds.keys())}`;
    problems.push({ path: typeof entry === 'string' ? path : [...path, 'use'], message });
    return null;
  }
  if (name !== undefined && (typeof name !== 'string' || !LABEL.test(name))) {
    const message = `forwarders[${index}].name: expected a name without commas, quotes and <>=!, got ${shown(name)}`;
    problems.push({ path: [...path, 'name'], message });
  }
  if (typeof strace !== 'boolean') {
    const message = `forwarders[${index}].strace: expected true or false, got ${shown(strace)}`;
    problems.push({ path: [...path, 'strace'], message });
  }
  if (calls !== undefined && calls !== 'recorder') {
    const message = `forwarders[${index}].calls: expected 'recorder', got ${shown(calls)}`;
    problems.push({ path: [...path, 'calls'], message });
  } else if (calls !== undefined && strace === true) {
    const message = `forwarders[${index}]: strace and calls: recorder exclude each other`;
    problems.push({ path: [...path, 'calls'], message });
  }
  const ends = checkEnds({ check, payload, pages }, index, problems);
  const options = checkOptions(written, path, kind, problems, BESIDE_OPTIONS);
  const version = name === undefined ? (kind.versionOf?.(options) ?? null) : null;
  return {
    index,
    use,
    stem: version === null ? use : `${use} ${version}`,
    name: typeof name === 'string' ? name : null,
    written: { ...written, ...ends },
    options,
    strace: strace === true,
    recorded: calls === 'recorder',
    ends,
  };
}

/** Keys of an entry that are no options of its kind. */
const BESIDE_OPTIONS = ['name', 'strace', 'calls', 'check', 'payload', 'pages'];

/** Check, payload and pages of an entry's own; whether they fit the workload is seen with the cells. */
function checkEnds(
  given: Readonly<Record<keyof OwnEnds, unknown>>,
  index: number,
  problems: Problem[],
): OwnEnds {
  const word = <W extends string>(key: keyof OwnEnds, words: readonly W[]): W | undefined => {
    const value = given[key];
    const found = words.find((one) => one === value);
    if (value !== undefined && found === undefined) {
      const expected = words.map((one) => `'${one}'`).join(' or ');
      const message = `forwarders[${index}].${key}: expected ${expected}, got ${shown(value)}`;
      problems.push({ path: ['forwarders', index, key], message });
    }
    return found;
  };
  const check = word('check', CHECKS);
  const payload = word('payload', PAYLOADS);
  const pages = word('pages', PAGES);
  return {
    ...(check === undefined ? {} : { check }),
    ...(payload === undefined ? {} : { payload }),
    ...(pages === undefined ? {} : { pages }),
  };
}

/**
 * Options as a kind's schema makes them; what is wrong is added to `problems`.
 * @param path where the options stand
 * @param beside keys that may stand there too, though they are no options
 */
export function checkOptions(
  written: Record<string, unknown>,
  path: readonly PropertyKey[],
  kind: OptionedKind,
  problems: Problem[],
  beside: readonly string[] = ['name'],
): Record<string, unknown> {
  const shape = kind.options.shape as Record<string, unknown>;
  const known: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(written)) {
    if (Object.hasOwn(shape, key)) known[key] = value;
    else problems.push(unknownKey(path, key, [...beside, ...Object.keys(shape)]));
  }
  const result = kind.options.safeParse(known);
  if (result.success) return result.data;
  problems.push(...problemsOf(result.error, known, path, () => null));
  return {};
}

/** `use`, or `use(option=value)` with the options that differ between unnamed entries of that use. */
function automaticLabel(entry: RawEntry, all: readonly RawEntry[]): string {
  const alike = all.filter(
    ({ stem, name, strace, recorded }) =>
      stem === entry.stem &&
      name === null &&
      strace === entry.strace &&
      recorded === entry.recorded,
  );
  const suffix = entry.strace ? ' under strace' : entry.recorded ? ' recorded' : '';
  const differing = Object.keys(entry.written).filter((option) =>
    alike.some((other) => shortText(other.written[option]) !== shortText(entry.written[option])),
  );
  if (differing.length === 0) return entry.stem + suffix;
  const parts = differing.map((option) => `${option}=${shortText(entry.written[option])}`);
  return `${entry.stem}(${parts.join(' ')})${suffix}`;
}

/** A value as it stands in a label. */
function shortText(value: unknown): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map(shortText).join(' ');
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replaceAll(/[\s\p{Cc},"<>=!]+/gu, ' ').trim();
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
