/** What a forwarder did, and what it held, while nothing moved. */

/** States of TCP sockets, as ss(8) names them. */
export type SocketStateName =
  | 'ESTAB'
  | 'SYN-SENT'
  | 'SYN-RECV'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'TIME-WAIT'
  | 'CLOSE'
  | 'CLOSE-WAIT'
  | 'LAST-ACK'
  | 'CLOSING';

/**
 * CPU seconds per second above which a forwarder is not at rest: a loop that does not wait takes all of a CPU,
 * timers far less than this.
 */
export const RESTLESS = 0.05;
/** The same of a forwarder in a set: more than this takes CPU from the others, so that it runs alone from then on. */
export const DISTURBS_OTHERS = 0.01;

/** What is held after everything has ended beyond what was held before the first connection. */
export interface HeldAfter {
  /** All of them; may be negative. */
  descriptors: number;
  /** Ends of pipes among them: a forwarder may keep pipes for the next connection. */
  pipes: number;
  /** Sockets of any kind among them. */
  sockets: number;
  /** TCP sockets by state that there are more of. */
  states: Partial<Record<SocketStateName, number>>;
}

/** Of a trial of streams with a forwarder. What is null has its reason in `unavailable`. */
export interface RestRecord {
  /**
   * CPU seconds per second of the forwarder while its connections stood still: before traffic or, in a set,
   * while others had their turns.
   */
  idle_cpu_share: number | null;
  /** The same once every connection had ended. */
  drained_cpu_share: number | null;
  held: HeldAfter | null;
  unavailable: Partial<Record<'idle_cpu_share' | 'drained_cpu_share' | 'held', string>>;
}

/** Each direction of a session has a pipe or two, which a forwarder may keep for the next one. */
const PIPE_ENDS = 8;
/** Some things are opened when they are first needed, a spare socket for the next connection among them. */
const OPENED_ONCE = 4;

/** What of it a forwarder should have given back: TCP sockets in any state, and other descriptors. Pure. */
export function leftHeld(
  { descriptors, pipes, states }: HeldAfter,
  connections: number,
): { sockets: number; descriptors: number } {
  const sockets = Object.values(states).reduce((sum, many) => sum + many, 0);
  const others = descriptors - pipes - sockets;
  const lostPipes = pipes > PIPE_ENDS * connections ? pipes : 0;
  const lost = others > OPENED_ONCE && others >= connections ? others : 0;
  return { sockets, descriptors: lostPipes + lost };
}
