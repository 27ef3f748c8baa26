/** What a trial of a script has to tell beside its columns. */
export interface ScriptOutcome {
  conversations: number;
  /** Conversations with a failure, and how many are told of in `failures`. */
  failed: number;
  /** Distinct failures in words, with how often each was seen. */
  failures: { kind: string; text: string; times: number }[];
  /** The first conversation that failed, step by step; empty = none did. */
  story: string[];
  /** CPU seconds per second of the forwarder during the step of `expect.idle`; a string says why not. */
  idle: number | string | null;
  /** What the forwarder had more of afterwards than before, in words; null = nothing, or not asked. */
  residue: string | null;
}
