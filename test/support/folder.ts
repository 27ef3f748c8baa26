/** Folders, scenario files and stored runs of tests. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'csv-parse/sync';

/** A folder of the test's own, gone with it. */
export function scratch(t: TestContext): string {
  const { folder, remove } = scratchFolder();
  t.after(remove);
  return folder;
}

/** A folder that several tests share. */
export function scratchFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'splicebench-e2e-'));
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A scenario's keys, as in the file. */
export type ScenarioKeys = Record<string, unknown>;

/** A short scenario; every JSON text is also YAML. */
export function writeScenario(folder: string, keys: ScenarioKeys): string {
  const path = join(folder, 'scenario.yaml');
  writeFileSync(path, JSON.stringify({ name: 'test', ...keys }, null, 2));
  return path;
}

/** One line of trials.jsonl or of the events, as far as tests look into it. */
export interface TrialLine {
  trial_id: string;
  block: number;
  position: number;
  forwarder: string;
  cell: string;
  check: string;
  outcome: string;
  error: string | null;
  bytes: number | null;
  verified_bytes: number | null;
  incidents: number | null;
  incidents_by_class: Record<string, number>;
  [key: string]: unknown;
}

/** Lines of JSON; a torn last line is the reader's to refuse. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The whole trials of a run's folder; a line that is being written is left out. */
export function storedTrials(folder: string): TrialLine[] {
  const path = join(folder, 'trials.jsonl');
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  return jsonLines(text.slice(0, text.lastIndexOf('\n') + 1)) as TrialLine[];
}

/** A table as rows of texts by column. */
export function readCsv(path: string): { columns: string[]; rows: Record<string, string>[] } {
  const text = readFileSync(path, 'utf8');
  const [head]: string[][] = parse(text, { to: 1 });
  assert.ok(head);
  return { columns: head, rows: parse(text, { columns: true }) };
}

/** One line of incidents.jsonl. */
export interface StoredIncidentLine {
  trial_id: string;
  forwarder: string;
  connection: number;
  direction: string;
  offset: number;
  length: number;
  class: string;
  origin_connection?: number;
  origin_direction?: string;
  origin_offset?: number;
  origin_decoy?: number;
  origin_place?: string;
  expected_hex: string;
  received_hex: string;
  calls?: Record<string, unknown>[];
}

export function storedIncidents(folder: string): StoredIncidentLine[] {
  const lines: unknown = jsonLines(readFileSync(join(folder, 'incidents.jsonl'), 'utf8'));
  return lines as StoredIncidentLine[];
}
