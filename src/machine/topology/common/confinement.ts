/**
 * A forwarder with less than its host would give it: without the capabilities that lift a user's limit of
 * pipe pages, or with little kernel memory for its sockets, by a control group of its own.
 */
import { findProgram } from '../../../base/process/program.js';
import type { Host } from '../../host/host.js';
import { ownController } from '../../../base/process/control-group.js';
import { memoryLacking, MemoryGroup } from '../../../base/process/memory-group.js';

/** What a forwarder goes without. */
export interface Confinement {
  unprivileged: boolean;
  /** Bytes of kernel memory for its sockets; null = no limit. */
  memory: number | null;
}

/** A host whose roles start confined; close() gives back what was made, once they have ended. */
export interface ConfinedHost {
  host: Host;
  /** What was started is up, and nothing flows yet: from here on every limit holds. */
  tighten(): void;
  /** What being confined came to, for the record. */
  detail(): Record<string, number>;
  close(): Promise<void>;
}

/** Either of them lifts the soft limit of pipe pages per user. */
const LIFTING = '-sys_resource,-sys_admin';
const UNPRIVILEGED = ['setpriv', `--bounding-set=${LIFTING}`, `--inh-caps=${LIFTING}`];

/** Why a forwarder cannot be confined so on this host, or null when it can. */
export function confinementLacking({ unprivileged, memory }: Confinement): string | null {
  if (unprivileged && isRoot() && findProgram('setpriv') === null) {
    return 'taking capabilities away needs setpriv (apt-get install util-linux)';
  }
  if (memory === null) return null;
  const lacking = memoryLacking(ownController('memory'));
  if (lacking !== null) return lacking;
  return isRoot() ? null : 'limiting the memory of sockets needs root, to make a control group';
}

/** @throws Error when a control group cannot be made after all */
export async function confinedHost(
  host: Host,
  { unprivileged, memory }: Confinement,
): Promise<ConfinedHost> {
  const group = memory === null ? null : await memoryGroup(memory);
  const less = unprivileged && isRoot() ? UNPRIVILEGED : [];
  const prefix = [...(group?.prefix ?? []), ...host.prefix, ...less];
  return {
    host: { ...host, prefix },
    tighten: () => group?.tighten(),
    detail: () => group?.detail() ?? {},
    close: async () => {
      await group?.remove();
    },
  };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function memoryGroup(bytes: number): Promise<MemoryGroup> {
  const controller = ownController('memory');
  const lacking = memoryLacking(controller);
  if (controller === null || lacking !== null) throw new Error(lacking ?? 'no memory controller');
  return MemoryGroup.make(controller, bytes);
}
