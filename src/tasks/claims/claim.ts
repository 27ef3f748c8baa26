/** What a published claim is. The claims themselves are in published.ts and report-2008.ts. */

/** Where a claim holds, according to whoever made it. */
export type ClaimScope =
  /** Between network cards, over a wire. Loopback and veth only emulate that. */
  | 'nic'
  /** Over loopback only: what other topologies show is no evidence. */
  | 'loopback'
  /** Anywhere, loopback included. */
  | 'anywhere';

/** A range that a claim gives for a quantity; an end that is absent is open. */
export interface Range {
  from?: number;
  to?: number;
}

/** How a claim is judged: a quantity of stored trials, and what the claim says of it. */
export type Test =
  /** The paired ratio of one forwarder to another. */
  | { kind: 'ratio'; of: string; over: string; metric: string; claimed: Range }
  /** The median of one forwarder. */
  | { kind: 'level'; of: string; metric: string; claimed: Range }
  /** Wrong bytes in streams of the right length. Supported by a single incident. */
  | { kind: 'corruption'; of: readonly string[] }
  /** The forwarder blocks for ever, where the other one does not. Supported by a single stalled trial. */
  | { kind: 'stall'; of: string; against: string }
  /**
   * Trials with wrong bytes in streams of the right length: the share of some as against that of others.
   * Says something only when either has any. 'same' is within half of all trials, SAME_WITHIN.
   */
  | {
      kind: 'incidence';
      of: readonly string[];
      against: readonly string[];
      claimed: 'fewer' | 'more' | 'same' | 'different';
      /** What sets them apart, as counted in forwarder_detail: above 0 in every trial of the first, 0 in the others. */
      by?: string;
    };

/** What a claim is judged from. */
export interface ClaimTest {
  /** Scenario under bench/scenarios whose trials are looked at. */
  scenario: string;
  /** Only cells in which the matrix has these values; absent = all of the scenario. */
  cells?: Readonly<Record<string, string>>;
  /** Only cells whose topology says that received segments are not coalesced (`gro: off`). */
  withoutCoalescing?: true;
  test: Test;
}

/** One published claim. */
export interface Claim {
  /** Short, lower case, with dashes; stable. */
  id: string;
  /** Who said it where. */
  source: string;
  /** In the words of this project, one sentence. */
  statement: string;
  place: ClaimScope;
  /** What is needed beyond the forwarders and privileges that the scenario asks for; null = nothing. */
  needs: string | null;
  /** On a wire: speed that the slowest link must have, bits per second; absent = any. */
  leastLink?: number;
  /** null = nothing that can be run here tests it; `needs` says what would. */
  judged: ClaimTest | null;
  /**
   * The verdict expected of a machine without a defect, for `--check`; null = none.
   * The defects of 2008 must not be reproduced.
   */
  expected: 'supported' | 'not reproduced' | null;
}
