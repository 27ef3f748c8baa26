/** The one way to write a file of which nobody may ever see a part. */
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storeError } from './append.js';

/**
 * Writes beside the file and renames; what was there stays until then, also when this fails.
 * @param durable with both on disk before it returns; otherwise a crash of the host may lose the new text
 * @throws StoreError when it cannot be written; nothing is left beside the file then
 */
export async function replaceFile(path: string, text: string, durable = false): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    if (durable) await sync(temporary);
    await rename(temporary, path);
    // The rename itself is on disk only when the folder is.
    if (durable) await sync(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storeError(path, error);
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
