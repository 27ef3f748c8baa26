/**
 * Folders packed into one file each, for `content: {tree: FOLDER}`: what a real transfer of files looks
 * like, with a name and a size before each. In the order of names, so that the same folder gives the
 * same bytes; up to a limit, so that any folder will do.
 */
import { wordsOf } from '../../base/errors/words.js';
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HeldFolder } from '../../base/process/held-folder.js';
import { RoleError } from '../../machine/role/client.js';
import { packageRoot } from '../../base/process/package-root.js';

/** Of one packed folder, bytes. */
const MOST = 64 * 2 ** 20;

export class PackedTrees {
  private readonly packed = new Map<string, Promise<string>>();
  private folder: Promise<HeldFolder> | undefined;

  /**
   * The file that holds a folder, made once.
   * @param path `{package}` stands for this package's own folder
   * @throws RoleError when there is nothing to pack
   */
  file(path: string): Promise<string> {
    const made = this.packed.get(path) ?? this.pack(path);
    this.packed.set(path, made);
    return made;
  }

  async close(): Promise<void> {
    const folder = await this.folder?.catch(() => undefined);
    await folder?.remove();
  }

  private async pack(path: string): Promise<string> {
    const from = path.replace('{package}', packageRoot());
    this.folder ??= HeldFolder.make();
    const target = join((await this.folder).path, `tree-${this.packed.size}`);
    const output = await open(target, 'wx');
    try {
      const size = await packInto(output, from, '', MOST);
      if (size === 0) throw new RoleError(`content: no files in the folder ${from}`);
      return target;
    } catch (error) {
      if (error instanceof RoleError) throw error;
      const reason = wordsOf(error);
      throw new RoleError(`content: the folder ${from} cannot be packed: ${reason}`);
    } finally {
      await output.close();
    }
  }
}

/** Regular files only, links left out, so that it ends; how many bytes it took. */
async function packInto(
  output: FileHandle,
  root: string,
  below: string,
  room: number,
): Promise<number> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  let size = 0;
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (size >= room) break;
    const name = join(below, entry.name);
    if (entry.isDirectory()) {
      size += await packInto(output, root, name, room - size);
    } else if (entry.isFile() && (await stat(join(root, name))).size <= room) {
      const bytes = await readFile(join(root, name));
      const packed = Buffer.concat([Buffer.from(`${name} ${bytes.length}\n`), bytes]);
      await output.write(packed.subarray(0, room - size));
      size += Math.min(packed.length, room - size);
    }
  }
  return size;
}
