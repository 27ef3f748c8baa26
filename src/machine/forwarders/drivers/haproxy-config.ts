/** What of a user's HAProxy configuration is run: `global` and `defaults`, as they are. */

/** First words of the sections that a configuration can have. */
const SECTIONS = new Set([
  ...['global', 'defaults', 'listen', 'frontend', 'backend', 'peers', 'resolvers', 'mailers'],
  ...['userlist', 'program', 'cache', 'http-errors', 'ring', 'log-forward', 'log-profile'],
  ...['fcgi-app', 'crt-store', 'traces', 'acme', 'haterm'],
]);
const KEPT = new Set(['global', 'defaults']);

/** Lines that reach out of the trial: another HAProxy's own, which this one would take away. */
const OUTSIDE = /^\s*(?:stats\s+socket|pidfile|master-worker|daemon)\b/;

/**
 * The lines of `global` and `defaults`, each as it stands, without those that would touch a HAProxy that
 * serves people meanwhile; conditions (`.if`) stay where they are.
 */
export function globalAndDefaults(text: string): string[] {
  const lines: string[] = [];
  let kept = false;
  for (const line of text.split('\n')) {
    const word = /^\s*([^\s#]+)/.exec(line)?.[1] ?? '';
    if (SECTIONS.has(word)) kept = KEPT.has(word);
    if (word.startsWith('.') || (kept && !OUTSIDE.test(line))) lines.push(line);
  }
  return lines;
}

/** The mode that a `listen` section behind these lines has. */
export function modeOf(lines: readonly string[]): 'tcp' | 'http' {
  let mode: 'tcp' | 'http' = 'tcp';
  for (const line of lines) {
    const [first, second] = line.trim().split(/\s+/);
    // Each `defaults` starts anew.
    if (first === 'defaults') mode = 'tcp';
    if (first === 'mode') mode = second === 'http' ? 'http' : 'tcp';
  }
  return mode;
}
