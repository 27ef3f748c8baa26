/** What the guest says on its console: our steps, and what else there is to show when it goes wrong. */
import { BEAT_STEP, SAID } from './init-script.js';

/** A line of ours. */
export type Said =
  | { step: 'done'; code: number }
  | { step: 'failed'; at: string; reason: string }
  /** A cable to be pulled or put back. */
  | { step: 'link'; card: string; up: boolean }
  | { step: string & {}; text: string };

const KEPT_LINES = 400;
const LAST_LINES = 15;
/** A kernel that prints without an end of line must not fill the memory. */
const LONGEST_LINE = 4096;

/** Splits the console into lines, keeps the latest, and understands those that are meant for us. */
export class Console {
  private rest = '';
  private readonly lines: string[] = [];

  constructor(private readonly onSaid: (said: Said) => void) {}

  take(text: string): void {
    const parts = (this.rest + text).split('\n');
    this.rest = (parts.pop() ?? '').slice(-LONGEST_LINE);
    for (const part of parts) this.line(plain(part));
  }

  /** The latest lines of the kernel and of programs, steps of ours left out. */
  lastLines(count = LAST_LINES): string[] {
    const rest = plain(this.rest);
    const lines = rest === '' ? this.lines : [...this.lines, rest];
    return lines
      .filter((line) => line.trim() !== '' && (!line.startsWith(SAID) || line.includes(BEAT_STEP)))
      .slice(-count);
  }

  /** Why the kernel gave up, in its own words; null when it did not. */
  panic(): string | null {
    const line = this.lines.find((text) => text.includes('Kernel panic'));
    return line === undefined ? null : line.slice(line.indexOf('Kernel panic'));
  }

  private line(text: string): void {
    this.lines.push(text);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    // The kernel may have printed on the same line.
    const at = text.indexOf(SAID);
    if (at === -1) return;
    const said = text.slice(at + SAID.length).trim();
    if (!said.startsWith(BEAT_STEP)) this.onSaid(parseSaid(said));
  }
}

/** Reads what follows the prefix of a line of ours. */
export function parseSaid(text: string): Said {
  const [word = '', ...rest] = text.split(' ');
  if (word === 'done') return { step: 'done', code: Number(rest[0]) };
  if (word === 'link') return { step: 'link', card: rest[0] ?? '', up: rest[1] === 'up' };
  if (word === 'failed') {
    const [, at = '', reason = ''] = /^failed (\w+): ?(.*)$/.exec(text) ?? [];
    return { step: 'failed', at, reason };
  }
  return { step: word, text: rest.join(' ') };
}

/** Without what terminals make of it: colours, cursor movements, carriage returns. */
function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\x1b\[[0-9;?=]*[A-Za-z]|\x1b[c78=>]|\r/g, '');
}
