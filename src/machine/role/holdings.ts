/** What processes hold of the kernel: descriptors, and TCP sockets by their state. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { SocketStateName } from '../../data/record/rest-record.js';

/** Of one moment. */
export interface Holdings {
  /** Open descriptors of all processes. */
  descriptors: number;
  /** Ends of pipes among them. */
  pipes: number;
  /** Sockets of any kind among them, listeners included; one that several processes share is one. */
  allSockets: number;
  /** Processes that live and do not let themselves be looked at: what they hold is missing here. */
  unreadable: number;
  /** Their TCP sockets by state, as ss(8) names them; listeners are not among them. */
  sockets: Partial<Record<SocketStateName, number>>;
}

const STATES = {
  '01': 'ESTAB',
  '02': 'SYN-SENT',
  '03': 'SYN-RECV',
  '04': 'FIN-WAIT-1',
  '05': 'FIN-WAIT-2',
  '06': 'TIME-WAIT',
  '07': 'CLOSE',
  '08': 'CLOSE-WAIT',
  '09': 'LAST-ACK',
  '0B': 'CLOSING',
} as const satisfies Record<string, SocketStateName>;

/** Reads what these processes hold; those that have ended meanwhile hold nothing. */
export function holdingsOf(pids: readonly number[]): Holdings {
  const states = socketStates();
  const sockets: Holdings['sockets'] = {};
  const sum: Holdings = { descriptors: 0, pipes: 0, allSockets: 0, unreadable: 0, sockets };
  const seen = new Set<string>();
  for (const pid of pids) {
    const targets = targetsOf(pid);
    if (targets === null) sum.unreadable += 1;
    for (const target of targets ?? []) {
      sum.descriptors += 1;
      if (target.startsWith('pipe:')) sum.pipes += 1;
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      // A socket that several processes share is one.
      if (inode === undefined || seen.has(inode)) continue;
      seen.add(inode);
      sum.allSockets += 1;
      const state = states.get(inode);
      if (state !== undefined) sockets[state] = (sockets[state] ?? 0) + 1;
    }
  }
  return sum;
}

/** What several processes hold together. */
export function sumHoldings(all: readonly Holdings[]): Holdings {
  const sum: Holdings = { descriptors: 0, pipes: 0, allSockets: 0, unreadable: 0, sockets: {} };
  for (const { sockets, ...counts } of all) {
    for (const name of ['descriptors', 'pipes', 'allSockets', 'unreadable'] as const) {
      sum[name] += counts[name];
    }
    for (const [state, count] of Object.entries(sockets) as [SocketStateName, number][]) {
      sum.sockets[state] = (sum.sockets[state] ?? 0) + count;
    }
  }
  return sum;
}

/** What there is more of than before, in words; null = nothing. */
export function leftOver(before: Holdings, after: Holdings): string | null {
  const more = after.descriptors - before.descriptors;
  const sockets = (Object.entries(after.sockets) as [SocketStateName, number][]).flatMap(
    ([state, count]) => {
      const added = count - (before.sockets[state] ?? 0);
      return added > 0 ? [`${added} sockets in ${state}`] : [];
    },
  );
  const words = [...(more > 0 ? [`${more} descriptors more than before`] : []), ...sockets];
  return words.length === 0 ? null : words.join(', ');
}

/** null = it lives, and does not let itself be looked at. */
function targetsOf(pid: number): string[] | null {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(`${folder}/${fd}`)];
      } catch {
        // Closed meanwhile, as the one that reads the folder is.
        return [];
      }
    });
  } catch {
    return existsSync(`/proc/${pid}`) ? null : [];
  }
}

/** By inode, in this network namespace. */
function socketStates(): Map<string, SocketStateName> {
  const states = new Map<string, SocketStateName>();
  for (const file of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      // No IPv6.
      continue;
    }
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const state = STATES[fields[3] as keyof typeof STATES] as SocketStateName | undefined;
      const inode = fields[9];
      if (state !== undefined && inode !== undefined) states.set(inode, state);
    }
  }
  return states;
}
