/** Reading /proc and /sys through an interface, so that a test can be any host. */
import { readdirSync, readFileSync } from 'node:fs';

export interface FileReader {
  /** A file's text without the space around it; null when it cannot be read. */
  text(path: string): string | null;
  /** Names in a folder, sorted; none when it cannot be read. */
  list(path: string): string[];
}

/** The files of the host that this process runs on. */
export const localFiles: FileReader = {
  text: (path) => {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch {
      return null;
    }
  },
  list: (path) => {
    try {
      return readdirSync(path).sort();
    } catch {
      return [];
    }
  },
};
