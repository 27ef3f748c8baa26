/** Which forwarders of a scenario can run here, asked before the first trial. */
import { findProgram } from '../../base/process/program.js';
import { native } from '../../data/native/native.js';
import { leftOutOf } from '../../data/record/left-out.js';
import { confinementLacking } from '../../machine/topology/common/confinement.js';
import type { ForwarderKind } from '../../machine/forwarders/kind.js';
import { recorderUnavailable } from '../../machine/role/call-recorder.js';
import { straceUnavailable } from '../../machine/role/strace.js';
import type { Unavailable } from '../../data/record/record.js';
import type { Scenario } from '../scenario/expand.js';
import type { Pages } from '../../data/record/words.js';
import { pairCount, shareOf } from '../../data/record/pairs.js';
import { type Cell, cellOf, pagesOf } from '../../data/record/plan.js';
import { descriptorLimit } from '../../machine/host/descriptor-limit.js';
import { lacksDescriptors } from './descriptors.js';

/** How hosts that are not this one answer what they lack. */
export interface HostAnswers {
  /** Of open files, the least of all hosts; null = none known. */
  limit: number | null;
  /** Why a forwarder cannot run where it is to; null = asked here. */
  ask: ((use: string, options: Record<string, unknown>) => Promise<string | null>) | null;
}

/**
 * What has to be left out of a scenario: forwarders that this host lacks something for, and those
 * that a cell's workload is not for. Whoever asks leaves them out and tells why: that is neither a
 * failure nor a result.
 * @param kinds the forwarder registry
 * @param tracing why strace cannot be used
 * @param pages why a source of this host gets no prepared pages of a kind; those of others say so when they begin
 * @param limit of open files per process; null = none
 * @param ask asks the forwarder's host what it lacks; null = that is this one
 */
export async function unavailableIn(
  { name, cells, forwarders }: Pick<Scenario, 'name' | 'cells' | 'forwarders'>,
  kinds: ReadonlyMap<string, Pick<ForwarderKind, 'unavailable' | 'refuses' | 'runner'>>,
  limit: HostAnswers['limit'] = descriptorLimit(),
  ask: HostAnswers['ask'] = null,
  tracing: (attach: boolean) => Promise<string | null> = straceUnavailable,
  pages: (kind: Pages) => string | null = (kind) => native().unavailablePages(kind),
): Promise<Unavailable[]> {
  const found: Unavailable[] = [];
  for (const entry of forwarders) {
    const { label, use, options, strace, calls } = entry;
    const kind = kinds.get(use);
    let lacking =
      kind === undefined
        ? `no forwarder '${use}'`
        : await (ask === null ? kind.unavailable(options) : ask(use, options));
    if (kind !== undefined && strace && ask === null) {
      lacking ??= await tracing(kind.runner.kind === 'builtin');
    }
    if (kind !== undefined && calls === 'recorder' && ask === null) {
      lacking ??= await notRecordable(kind, options);
    }
    if (kind === undefined || lacking !== null) {
      found.push({ scenario: name, forwarder: label, cell: null, reason: lacking ?? '' });
      continue;
    }
    for (const cell of cells) {
      const { key, topology, workload } = cellOf(cell, entry);
      // Each pair of ends has a process of its own.
      const carried = shareOf(workload, pairCount(topology));
      const reason =
        kind.refuses(carried, options) ??
        missingWire(use, topology) ??
        needsPrivilege(workload, kind) ??
        (ask === null ? lacksPages(workload, pages) : null) ??
        lacksDescriptors(carried, kind, limit, threadsOf(options));
      if (reason !== null) found.push({ scenario: name, forwarder: label, cell: key, reason });
    }
  }
  return found;
}

/** Why the calls of a forwarder cannot be written down by the preloaded recorder, or null. */
async function notRecordable(
  { runner }: Pick<ForwarderKind, 'runner'>,
  options: Record<string, unknown>,
): Promise<string | null> {
  if (runner.kind !== 'command') {
    return "'calls: recorder' is for programs; built-in mechanisms have a flight recorder";
  }
  const { argv, cwd } = await runner.command(options);
  return recorderUnavailable(findProgram(argv[0] ?? '', cwd ?? undefined));
}

/** The threads that an entry asks for. */
function threadsOf({ threads }: Record<string, unknown>): number {
  return typeof threads === 'number' ? threads : 1;
}

/** What no forwarder can have in a cell: conditions that are made on this machine only. */
export function lackingForCell({
  topology,
  workload,
}: Pick<Cell, 'topology' | 'workload'>): string | null {
  if (topology.kind !== 'hosts') return confinementLacking(workload);
  if (workload.unprivileged || workload.memory !== null) {
    return 'workload.unprivileged and workload.memory confine forwarders of this machine, not of hosts';
  }
  if (workload.kind === 'stream' && workload.content.kind === 'tree') {
    return 'workload.content: a tree is packed on this machine; of hosts name a file that all have';
  }
  return null;
}

/** Between ends behind one port the kernel goes over loopback: that is the ceiling of nothing. */
function missingWire(use: string, topology: Cell['topology']): string | null {
  if (use !== 'direct' || topology.kind !== 'nic' || topology.seats.length > 2) return null;
  return "source and sink share a port, and without a forwarder no byte would cross the wire; give each its own ('ports: { source, forwarder, sink }')";
}

/** Programs are started in a process namespace, so that nothing of them is left. */
function needsPrivilege(
  { unprivileged }: Cell['workload'],
  { runner }: Pick<ForwarderKind, 'runner'>,
): string | null {
  if (!unprivileged || runner.kind !== 'command') return null;
  return 'a program is started with a privilege that workload.unprivileged takes away';
}

/** A cell whose topology this host cannot give: nothing can take part in it. */
export function withoutTopology(
  scenarios: readonly Pick<Scenario, 'name' | 'forwarders'>[],
  { key, scenario }: Pick<Cell, 'key' | 'scenario'>,
  reason: string,
): Unavailable[] {
  const forwarders = scenarios.find(({ name }) => name === scenario)?.forwarders ?? [];
  return forwarders.map(({ label }) => ({ scenario, forwarder: label, cell: key, reason }));
}

/** Prepared pages of a kind that the kernel does not give. */
function lacksPages(
  workload: Cell['workload'],
  unavailable: (kind: Pages) => string | null,
): string | null {
  const kind = pagesOf(workload);
  const reason = kind === null ? null : unavailable(kind);
  return reason === null ? null : `pages: ${kind}: ${reason}`;
}

/** What was left out, in words; one line for all forwarders that share a reason. */
export function unavailableLines(list: readonly Unavailable[]): string[] {
  const groups = new Map<string, Unavailable[]>();
  for (const one of list) {
    const key = JSON.stringify([one.scenario, one.cell, one.reason]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((group) => {
    const names = group.map(({ forwarder }) => forwarder).join(', ');
    const { cell = null, reason = '' } = group[0] ?? {};
    const where = cell === null ? '' : ` in ${cell}`;
    return `${names}${where} ${group.length === 1 ? 'is' : 'are'} unavailable: ${reason}`;
  });
}

/** True when a forwarder was left out of a cell. */
export function isUnavailable(
  list: readonly Unavailable[],
  cell: { key: string; scenario: string },
  forwarder: string,
): boolean {
  return leftOutOf(list, cell).some((one) => one.forwarder === forwarder);
}
