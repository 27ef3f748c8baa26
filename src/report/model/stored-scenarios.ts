import type { RunManifest, TrialRecord } from '../../data/record/record.js';
import type { UseOf } from '../../experiment/verdict/verdict.js';

/** A forwarder of a normalised scenario, as far as a report needs it. */
interface Listed {
  scenario: string;
  label: string;
  use: string;
}

/**
 * Labels in the order of the scenarios; forwarders that no scenario lists (a manifest of another
 * version) follow in alphabetical order, since trials run in random order.
 */
export function forwarderOrder(manifest: RunManifest, trials: readonly TrialRecord[]): string[] {
  const seen = new Set(trials.map((trial) => trial.forwarder));
  const listed = listedForwarders(manifest).map(({ label }) => label);
  const unlisted = [...seen].filter((label) => !listed.includes(label));
  unlisted.sort((a, b) => a.localeCompare(b, 'en'));
  return [...new Set([...listed, ...unlisted])].filter((label) => seen.has(label));
}

/** Registry entries by label; a label that no scenario lists counts as its own entry. */
export function registryUse(manifest: RunManifest): UseOf {
  const forwarders = listedForwarders(manifest);
  return (scenario, label) =>
    forwarders.find((one) => one.label === label && one.scenario === scenario)?.use ??
    forwarders.find((one) => one.label === label)?.use ??
    label;
}

/** The congestion control that the scenarios ask for; several when they differ. */
export function askedCongestion(manifest: RunManifest): string[] {
  const asked = manifest.scenarios.flatMap((scenario) => {
    if (!isObject(scenario) || !Array.isArray(scenario['cells'])) return [];
    return scenario['cells'].flatMap((cell: unknown) => {
      const topology = isObject(cell) ? cell['topology'] : null;
      const name = isObject(topology) ? text(topology['congestion']) : null;
      return name === null ? [] : [name];
    });
  });
  return [...new Set(asked)];
}

/** A cell as it was planned: its numbers and words, flat, and the options of its forwarders. */
export interface StoredCell {
  key: string;
  /** "workload.message" and such, without what is null. */
  conditions: Record<string, unknown>;
  forwarders: { label: string; use: string; options: Record<string, unknown> }[];
}

/** The cells of all scenarios, in their order. */
export function storedCells(manifest: RunManifest): StoredCell[] {
  return manifest.scenarios.flatMap((scenario) => {
    if (!isObject(scenario) || !Array.isArray(scenario['cells'])) return [];
    const listed: unknown[] = Array.isArray(scenario['forwarders']) ? scenario['forwarders'] : [];
    const forwarders = listed.flatMap((one) => {
      if (!isObject(one)) return [];
      const [label, use] = [text(one['label']), text(one['use'])];
      if (label === null || use === null) return [];
      return [{ label, use, options: isObject(one['options']) ? one['options'] : {} }];
    });
    return scenario['cells'].flatMap((cell: unknown) => {
      const key = isObject(cell) ? text(cell['key']) : null;
      if (!isObject(cell) || key === null) return [];
      const conditions = {
        ...flat('workload', cell['workload']),
        ...flat('topology', cell['topology']),
      };
      return [{ key, conditions, forwarders }];
    });
  });
}

function flat(section: string, value: unknown): Record<string, unknown> {
  const entries = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.map(([key, one]) => [`${section}.${key}`, one]));
}

/** Scenarios are stored as validated, but reports read them back from a file: trust no shape. */
function listedForwarders(manifest: RunManifest): Listed[] {
  return manifest.scenarios.flatMap((scenario) => {
    if (!isObject(scenario) || !Array.isArray(scenario['forwarders'])) return [];
    const name = text(scenario['name']) ?? '';
    return scenario['forwarders'].flatMap((forwarder: unknown) => {
      if (!isObject(forwarder)) return [];
      const use = text(forwarder['use']);
      const label = text(forwarder['label']) ?? text(forwarder['name']) ?? use;
      return label === null ? [] : [{ scenario: name, label, use: use ?? label }];
    });
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
