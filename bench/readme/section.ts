/** Marked sections of a Markdown file. Pure. */
import { UsageError } from '../../src/cli/exit.js';

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
    throw new UsageError(`README.md: expected one section from '${begin}' to '${end}'`);
  }
  return `${text.slice(0, from + begin.length)}\n\n${body.trim()}\n\n${text.slice(to)}`;
}

/** A code block that its own text cannot close. */
export function codeBlock(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/^`{3,}/gm)].map(([fence]) => fence.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text.replace(/^\n+|\s+$/g, '')}\n${fence}`;
}
