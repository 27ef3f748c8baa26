/** What of a user's nginx configuration is run: the main settings and those of `stream`, as they are. */
import { dirname, resolve } from 'node:path';
import type { UserConfig } from './user-config.js';

/** A directive; of a block, what it holds. */
interface Directive {
  /** Its words as written, quotes included. */
  words: string[];
  block: Directive[] | null;
}

/** Other traffic, and files and places of an nginx that serves people meanwhile. */
const NOT_MAIN = new Set(['http', 'mail', 'stream', 'daemon', 'pid', 'error_log']);
/** Servers of the user's. */
const NOT_STREAM = new Set(['server', 'upstream', 'error_log']);

export interface NginxSettings {
  main: string[];
  stream: string[];
  /** Whether the file says itself which modules are loaded. */
  loadsModules: boolean;
}

/**
 * The settings of a file that a server of ours is put behind.
 * @param without directives to leave out: ours are put in their place
 * @throws Error when the braces do not match
 */
export function settingsOfNginx(
  { path, text }: UserConfig,
  without: ReadonlySet<string>,
): NginxSettings {
  const all = parseNginx(text);
  const written = (list: readonly Directive[], left: ReadonlySet<string>): string[] =>
    list
      .filter(({ words: [name = ''] }) => !left.has(name) && !without.has(name))
      .map((one) => textOf(one, dirname(path)));
  return {
    main: written(all, NOT_MAIN),
    stream: all
      .filter(({ words }) => words[0] === 'stream')
      .flatMap(({ block }) => written(block ?? [], NOT_STREAM)),
    loadsModules: all.some(
      ({ words: [name, what = ''] }) =>
        (name === 'load_module' && what.includes('stream')) ||
        (name === 'include' && what.includes('modules')),
    ),
  };
}

/** Reads the syntax: words, quotes, comments, `;` and blocks. */
export function parseNginx(text: string): Directive[] {
  const open: Directive[][] = [[]];
  let words: string[] = [];
  for (const token of text.match(TOKEN) ?? []) {
    if (token.startsWith('#')) continue;
    if (token === ';') {
      open.at(-1)?.push({ words, block: null });
      words = [];
    } else if (token === '{') {
      const block: Directive[] = [];
      open.at(-1)?.push({ words, block });
      open.push(block);
      words = [];
    } else if (token === '}') {
      open.pop();
      if (open.length === 0) throw new Error("unexpected '}'");
    } else {
      words.push(token);
    }
  }
  if (open.length > 1 || words.length > 0)
    throw new Error("the file ends within a '{' or before a ';'");
  return open[0] ?? [];
}

/** A quoted word, a comment, a mark, or a word, in which `${name}` is no block. */
const TOKEN =
  /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|#[^\n]*|[;{}]|(?:\\[^]|\$\{[^}]*\}|[^\s;{}\\])+/g;

/** Names of files to include are relative to the file that includes them. */
function textOf({ words, block }: Directive, folder: string): string {
  const [name = '', what = ''] = words;
  const included = name === 'include' && !/^["']/.test(what) ? resolve(folder, what) : what;
  const head = name === 'include' ? `include ${included}` : words.join(' ');
  if (block === null) return `${head};`;
  return `${head} { ${block.map((one) => textOf(one, folder)).join(' ')} }`;
}
