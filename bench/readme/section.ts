/** Marked sections of a Markdown file. Pure. */
import { UsageError } from '../../src/base/errors/errors.js';

/**
 * Replaces what stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->`.
 * @throws UsageError unless the text has exactly one such section
 */
export function replaceSection(text: string, name: string, body: string): string {
  const [begin, end] = [`<!-- begin: ${name} -->`, `<!-- end: ${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  const once = from === text.lastIndexOf(begin) && to === text.lastIndexOf(end);
  if (from === -1 || to < from || !once) {
    throw new UsageError(`expected one section from '${begin}' to '${end}'`);
  }
  return `${text.slice(0, from + begin.length)}\n\n${body.trim()}\n\n${text.slice(to)}`;
}

/** A code block that its own text cannot close. */
export function codeBlock(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/^`{3,}/gm)].map(([fence]) => fence.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text.replace(/^\n+|\s+$/g, '')}\n${fence}`;
}

/**
 * Of a text in blocks with an empty line between them, those whose first line matches one of the patterns.
 * @throws UsageError when a pattern matches none
 */
export function blocksOf(text: string, patterns: readonly RegExp[]): string {
  const blocks = text.trim().split(/\n{2,}/);
  const first = (block: string) => block.split('\n')[0] ?? '';
  for (const pattern of patterns) {
    if (!blocks.some((block) => pattern.test(first(block)))) {
      throw new UsageError(`expected a block that begins with ${String(pattern)}`);
    }
  }
  return blocks
    .filter((block) => patterns.some((pattern) => pattern.test(first(block))))
    .join('\n\n');
}
