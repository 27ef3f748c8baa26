/**
 * Which ports are taken, by whom, and what they were: a file per port, for as long as it is away. When
 * even the keeper was killed, a later run finds there what has to be put back. Below /run, since a
 * restart of the machine sets up its ports anew and takes the files with it.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PortState } from './port-state.js';
import { startOf } from '../../base/process/process-start.js';

const FOLDER = '/run/splicebench/ports';

export interface PortRecord {
  /** The process that has it, with its start: numbers are given again. */
  keeper: { pid: number; start: string };
  /** Network namespace that the port belongs to, as the kernel names it. */
  network: string;
  state: PortState;
}

/** @throws Error when the folder cannot be written to: a port is not taken without a record */
export function writeRecord(record: PortRecord): void {
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  const path = pathOf(record);
  // Whole or not at all.
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removeRecord(record: PortRecord): void {
  rmSync(pathOf(record), { force: true });
}

/** The records of a network namespace. */
export function recordsOf(network: string): PortRecord[] {
  let names: string[];
  try {
    names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const record = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as PortRecord;
      return record.network === network ? [record] : [];
    } catch {
      // It has just been removed.
      return [];
    }
  });
}

/** True while whoever took the port lives. */
export function isHeld({ keeper }: PortRecord): boolean {
  return startOf(keeper.pid) === keeper.start;
}

/** For a person who is told about it. */
export function pathOf({ network, state }: Pick<PortRecord, 'network' | 'state'>): string {
  return join(FOLDER, `${/\d+/.exec(network)?.[0] ?? '0'}-${state.name}.json`);
}
