/** What of a program's output explains its end. */

/** Words by which programs mark what went wrong: HAProxy [ALERT], nginx [emerg], socat E, Node Error. */
const TROUBLE =
  /\[(?:alert|emerg|crit|error)\]|\b(?:error|fatal|panic|cannot|can't|failed|failure|refused|denied|invalid|unknown|unable|not found|no such)\b/i;

/** Longer lines are cut: the message is one line of a table. */
const LONGEST = 300;

/**
 * ": " and the first line that speaks of trouble, or else the last one; empty when nothing was said.
 * The first, since programs sum up at the end ("fatal errors found") what they named before.
 */
export function complaintIn(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.find((each) => TROUBLE.test(each)) ?? lines.at(-1);
  if (line === undefined) return '';
  return `: ${line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line}`;
}
