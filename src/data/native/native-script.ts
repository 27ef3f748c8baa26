/**
 * The native script engine: two ends of a conversation that carry out steps. Units and errors are those
 * of native-surface.ts.
 */
import type { Incident } from '../record/record.js';
import type { Prefix } from '../record/words.js';
import type { CheckTotals, NativeAddress } from './native-basics.js';

/** In the order in which the addon numbers them. */
export const STEP_KINDS = [
  'send',
  'finish',
  'read',
  'pause',
  'wait',
  'urgent',
  'close',
  'reset',
] as const;
export const UNTIL = [
  'done',
  'end',
  'blocked',
  'held',
  'still',
  'arrived',
  'other',
  'noticed',
] as const;
export const SEND_BY = ['send', 'sendfile', 'splice', 'slots'] as const;
export const STEP_OUTCOMES = ['done', 'timeout', 'ended', 'failed', 'unbounded'] as const;
export const SEEN_ENDS = ['none', 'orderly', 'broken'] as const;

export interface NativeStep {
  /** Positions in the lists above. */
  kind: number;
  until: number;
  by: number;
  bytes: number;
  /** Of a send without a limit of its own: so many that nothing will ever block it. */
  limit: number;
  piece: number;
  intervalNs: number;
  rate: number;
  forNs: number;
  quietNs: number;
  withinNs: number;
  finish: boolean;
}

export interface NativeEndPlan {
  steps: NativeStep[];
  receiveBuffer: number;
  sendBuffer: number;
  segment: number;
  nodelay: boolean;
}

export interface NativeScriptOptions {
  seed: string;
  listen: NativeAddress;
  /** Paths of network namespaces; '' = the process's own. */
  clientNetwork: string;
  forwarderNetwork: string;
  /** Of the server's sockets; 0 = as the kernel has them. */
  receiveBuffer: number;
  sendBuffer: number;
  segment: number;
}

export interface NativeScriptRun {
  client: NativeEndPlan;
  server: NativeEndPlan;
  address: NativeAddress;
  /** The client is connected to the server, with nothing in between. */
  direct: boolean;
  /** Taken off before the server's first step; '' = none. */
  prefix: '' | Prefix;
  connections: number;
  rounds: number;
  firstNumber: number;
}

/** One socket as sock_diag tells of it. */
export interface SocketQueue {
  /** Of tcp_states.h. */
  state: number;
  unread: number;
  unacked: number;
  /** Bytes that its owner has read and written so far. */
  taken: number;
  given: number;
}

/** Of the client, the forwarder towards it, the forwarder towards the server, the server. */
export type Queues = (SocketQueue | null)[];

export interface ScriptStepRecord {
  beginNs: number;
  endNs: number;
  bytes: number;
  /** Position in STEP_OUTCOMES. */
  outcome: number;
  error: string | null;
  queues: Queues;
}

export interface ScriptEndRecord {
  /** As many as were begun. */
  steps: ScriptStepRecord[];
  sent: number;
  received: number;
  /** Position in SEEN_ENDS. */
  seen: number;
  seenNs: number;
  error: string | null;
  unreadAtClose: number;
  /** Bytes that the other end sent and that never came, at the end. */
  cut: number;
  beyondEnd: number;
  totals: CheckTotals;
  incidents: Incident[];
}

export interface ConversationRecord {
  number: number;
  /** Why it did not come about. */
  failure: string | null;
  connectNs: number;
  beginNs: number;
  client: ScriptEndRecord;
  server: ScriptEndRecord;
}

export interface NativeScript {
  readonly port: number;
  /** Runs its rounds; again once that has ended. */
  start(run: NativeScriptRun, onEnd: (error: string | null) => void): void;
  /** Makes every wait end. */
  cancel(): void;
  results(): ConversationRecord[];
}
