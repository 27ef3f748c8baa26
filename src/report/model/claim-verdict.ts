/** A claim's verdict in words. */
import type { JudgedClaim } from '../../tasks/claims/judge-claim.js';

/** "supported", "cannot be tested here (emulated: supported)". */
export function verdictText({ verdict, emulated }: JudgedClaim): string {
  return emulated === null ? verdict : `${verdict} (emulated: ${emulated})`;
}
