/** All published claims that are known. */
import { suggestion } from '../../base/text/nearest.js';
import { UsageError } from '../../base/errors/errors.js';
import type { Claim } from './claim.js';
import { PUBLISHED } from './published.js';
import { REPORT_2008 } from './report-2008.js';

/** In the order shown: the report first. */
export const CLAIMS: readonly Claim[] = [...REPORT_2008, ...PUBLISHED];

/**
 * The claims of these ids; all of them for none.
 * @throws UsageError for an id that is not known, naming the nearest
 */
export function claimsOf(ids: readonly string[]): Claim[] {
  if (ids.length === 0) return [...CLAIMS];
  return ids.map((id) => {
    const claim = CLAIMS.find((one) => one.id === id);
    if (claim !== undefined) return claim;
    const known = CLAIMS.map((one) => one.id);
    throw new UsageError(`unknown claim '${id}'${suggestion(id, known)}`);
  });
}

/** The scenarios that these claims are judged from, each once. */
export function scenariosOf(claims: readonly Claim[]): string[] {
  return [...new Set(claims.flatMap(({ judged }) => (judged === null ? [] : [judged.scenario])))];
}
