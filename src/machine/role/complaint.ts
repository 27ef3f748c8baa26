/** What of a program's output explains its end. */

/** Words by which programs mark what went wrong: HAProxy [ALERT], nginx [emerg], socat E, Node Error. */
const TROUBLE =
  /\[(?:alert|emerg|crit|error)\]|\b(?:error|fatal|panic|cannot|can't|failed|failure|refused|denied|invalid|unknown|unrecogni[sz]ed|unable|not found|no such)\b/i;

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

/** The first whole line of an output that matches, without the mark that says when and from which process. */
export function lineWith(pattern: RegExp, said: string): string | null {
  const whole = said.slice(0, said.lastIndexOf('\n') + 1).split('\n');
  const line = whole.find((each) => pattern.test(each));
  return line === undefined ? null : line.replace(MARK, '').trim().slice(0, LONGEST);
}

/** "[WARNING]  (12182) : ", "2026/11/30 09:00:00 [error] 71#71: *1 " */
const MARK = /^(?:\[\w+\]\s*\(\d+\)\s*:|[\d/]+ [\d:]+ \[\w+\] \d+#\d+:(?: \*\d+)?)/;
