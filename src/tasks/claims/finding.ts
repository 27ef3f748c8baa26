/** What trials say of a claim's quantity, whatever the place they were made in. */

/** What can be said of a claim. */
export type ClaimVerdict = 'supported' | 'refuted' | 'not reproduced' | 'cannot be tested here';

export interface ClaimFinding {
  verdict: Exclude<ClaimVerdict, 'cannot be tested here'>;
  /** The quantity in question; null = not measured, or not a number. */
  measured: { value: number; low: number | null; high: number | null } | null;
  /** In words. */
  detail: string;
}
