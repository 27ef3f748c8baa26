/**
 * The forwarders of a scenario: entries checked against the registry's kinds, labels made unique.
 */
import { z } from 'zod';
import { suggestion } from './nearest.js';
import type { ForwarderEntry } from './plan.js';
import { type Problem, problemsOf, unknownKey } from './problems.js';
import { shown } from './sizes.js';

/** What this module needs to know of a registry entry. */
export interface OptionedKind {
  use: string;
  options: z.ZodObject;
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
  /** As written. */
  written: Record<string, unknown>;
  /** As validated. */
  options: Record<string, unknown>;
  strace: boolean;
}

/**
 * Resolves the entries of `forwarders:`. Labels are the given names, else the word after `use`, with
 * the differing options where two entries would have the same: `splice(pipe=64KiB)`.
 * @param entries the list as it stands in the file
 * @returns the entries that are valid, and what is wrong with the others
 */
export function resolveEntries(
  entries: readonly unknown[],
  kinds: Kinds,
): { forwarders: ForwarderEntry[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const raw: RawEntry[] = [];
  for (const [index, entry] of entries.entries()) {
    const checked = checkEntry(entry, index, kinds, problems);
    if (checked !== null) raw.push(checked);
  }
  const forwarders = raw.map((entry) => ({
    label: entry.name ?? automaticLabel(entry, raw),
    use: entry.use,
    options: entry.options,
    ...(entry.strace ? { strace: true as const } : {}),
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
  const options = checkOptions(written, path, kind, problems, ['name', 'strace']);
  return {
    index,
    use,
    name: typeof name === 'string' ? name : null,
    written,
    options,
    strace: strace === true,
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
    ({ use, name, strace }) => use === entry.use && name === null && strace === entry.strace,
  );
  const suffix = entry.strace ? ' under strace' : '';
  const differing = Object.keys(entry.written).filter((option) =>
    alike.some((other) => shortText(other.written[option]) !== shortText(entry.written[option])),
  );
  if (differing.length === 0) return entry.use + suffix;
  const parts = differing.map((option) => `${option}=${shortText(entry.written[option])}`);
  return `${entry.use}(${parts.join(' ')})${suffix}`;
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
