/**
 * The candidate nearest to a mistyped word, by the number of single-character edits.
 */

/**
 * Edits (insertion, deletion, substitution, swap of neighbours) that turn `a` into `b`: the optimal
 * string alignment distance (Damerau 1964; Wagner and Fischer 1974 for the table), without case.
 */
export function editDistance(a: string, b: string): number {
  const s = a.toLowerCase();
  const t = b.toLowerCase();
  let beforeLast: number[] = [];
  let last = Array.from({ length: t.length + 1 }, (_, column) => column);
  for (let row = 1; row <= s.length; row++) {
    const current = [row];
    for (let column = 1; column <= t.length; column++) {
      const same = s[row - 1] === t[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = s[row - 1] === t[column - 2] && s[row - 2] === t[column - 1];
      if (row > 1 && column > 1 && swapped) {
        edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[t.length] ?? 0;
}

/**
 * The candidate nearest to `word`, or null when none is near enough to be a slip of the keyboard:
 * within a third of the letters, at least two, or one is the beginning of the other.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let bestEdits = Infinity;
  for (const candidate of candidates) {
    const edits = isBeginning(word, candidate) ? 1 : editDistance(word, candidate);
    const allowed = Math.max(2, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (edits <= allowed && edits < bestEdits && edits < candidate.length) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/**
 * What follows a message about an unknown word: `, did you mean 'forwarders'?`, or the words that
 * would have been right when none is near.
 */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  const best = nearest(word, all);
  if (best !== null) return `, did you mean '${best}'?`;
  return all.length === 0 ? '' : ` (one of: ${all.join(', ')})`;
}

function isBeginning(word: string, candidate: string): boolean {
  const [short, long] = word.length < candidate.length ? [word, candidate] : [candidate, word];
  return short.length >= 3 && long.toLowerCase().startsWith(short.toLowerCase());
}
