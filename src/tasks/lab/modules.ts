/** The modules of a kernel: which of them a guest needs, in the order in which they can be loaded. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CouldNotRunError } from '../../base/errors/errors.js';
import { firstWordsOf, wordsOf } from '../../base/errors/words.js';

/** A module, ready for insmod. */
export interface LoadableModule {
  name: string;
  data: Buffer;
}

/** What a name may end with, and what takes the compression off. */
const PACKED: readonly { suffix: string; unpack: readonly string[] | null }[] = [
  { suffix: '.ko', unpack: null },
  { suffix: '.ko.xz', unpack: ['xz', '-dc'] },
  { suffix: '.ko.zst', unpack: ['zstd', '-dc'] },
  { suffix: '.ko.gz', unpack: ['gzip', '-dc'] },
];
const MOST_BYTES = 64 << 20;

/** The modules below a folder such as /lib/modules/VERSION. */
export class ModuleFolder {
  private readonly files = new Map<string, string>();
  private readonly builtIn: ReadonlySet<string>;

  /** @throws CouldNotRunError when there are none */
  constructor(readonly folder: string) {
    this.builtIn = builtInOf(folder);
    for (const path of filesBelow(folder)) {
      const packed = PACKED.find(({ suffix }) => path.endsWith(suffix));
      if (packed) this.files.set(nameOf(basename(path, packed.suffix)), path);
    }
    if (this.files.size === 0 && this.builtIn.size === 0) {
      throw new CouldNotRunError(
        `${folder} holds no kernel modules; expected a folder such as /lib/modules/VERSION`,
      );
    }
  }

  has(name: string): boolean {
    return this.files.has(nameOf(name)) || this.builtIn.has(nameOf(name));
  }

  /**
   * These modules and all they depend on, dependencies first; without those that are built in.
   * @throws CouldNotRunError naming a module that the kernel has not
   */
  closure(names: readonly string[]): LoadableModule[] {
    const loaded = new Map<string, LoadableModule>();
    const visit = (name: string, forWhom: string | null) => {
      const known = nameOf(name);
      if (loaded.has(known) || this.builtIn.has(known)) return;
      const path = this.files.get(known);
      if (path === undefined) {
        const whose = forWhom === null ? '' : `, which ${forWhom} needs`;
        throw new CouldNotRunError(
          `the kernel has no module ${name}${whose}: not below ${this.folder}, and not in its modules.builtin`,
        );
      }
      const data = unpacked(path);
      for (const other of dependenciesOf(data)) visit(other, name);
      loaded.set(known, { name: known, data });
    };
    for (const name of names) visit(name, null);
    return [...loaded.values()];
  }
}

/** The kernel takes dashes and underscores for the same. */
function nameOf(name: string): string {
  return name.replaceAll('-', '_');
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    const said = wordsOf(error);
    throw new CouldNotRunError(`the kernel's modules cannot be read: ${said}`);
  }
}

function builtInOf(folder: string): Set<string> {
  try {
    const lines = readFileSync(join(folder, 'modules.builtin'), 'utf8').split('\n');
    return new Set(lines.filter(Boolean).map((line) => nameOf(basename(line, '.ko'))));
  } catch {
    return new Set();
  }
}

function unpacked(path: string): Buffer {
  const packed = PACKED.find(({ suffix }) => path.endsWith(suffix));
  if (packed?.unpack == null) return readFileSync(path);
  const [program = '', ...args] = packed.unpack;
  try {
    return execFileSync(program, [...args, path], { maxBuffer: MOST_BYTES, stdio: 'pipe' });
  } catch (error) {
    const said = firstWordsOf(error);
    throw new CouldNotRunError(`${path} cannot be unpacked: ${said}`);
  }
}

/** What stands as "depends=a,b" in a module's section .modinfo, whose strings end with a zero byte. */
function dependenciesOf(data: Buffer): string[] {
  const key = Buffer.from('\0depends=');
  const at = data.indexOf(key);
  if (at === -1) return [];
  const from = at + key.length;
  return data.toString('latin1', from, data.indexOf(0, from)).split(',').filter(Boolean);
}
