/** What was thrown, in words: an error's message, of anything else its text. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first line of it. */
export function firstWordsOf(error: unknown): string {
  return wordsOf(error).split('\n')[0] ?? '';
}
