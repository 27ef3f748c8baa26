import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/process/package-root.js';

/** The text of a page under docs, by its file's name. */
export function docsPage(name: string): string {
  return readFileSync(join(packageRoot(), 'docs', name), 'utf8');
}
