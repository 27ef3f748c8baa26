/** A host's files as a test wants them. */
import type { FileReader } from '../../src/base/process/files.js';

/** @param texts by path; folders are what the paths make them */
export function fakeFiles(texts: Readonly<Record<string, string>>): FileReader {
  return {
    text: (path) => texts[path] ?? null,
    list: (path) => {
      const inside = Object.keys(texts).filter((one) => one.startsWith(`${path}/`));
      const names = inside.map((one) => one.slice(path.length + 1).split('/')[0] ?? '');
      return [...new Set(names)].sort();
    },
  };
}
