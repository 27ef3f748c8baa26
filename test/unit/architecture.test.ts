/** ARCHITECTURE.md against the code: every path it names is there, and every room has its line. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';

const root = packageRoot();

/** What a text gets wrong about a tree. */
function faults(text: string, rooms: readonly string[]): string[] {
  const named = [...text.matchAll(/`((?:src|native|bench|test|docs)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  );
  const gone = named.filter((path) => !existsSync(join(root, path)));
  const silent = rooms.filter((room) => !named.includes(room));
  return [
    ...gone.map((path) => `${path} is not there`),
    ...silent.map((room) => `${room} is not named`),
  ];
}

/** Folders of src that hold files. */
function roomsOfSrc(folder = 'src'): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const own = entries.some((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  const inner = entries.filter((entry) => entry.isDirectory());
  return [
    ...(own ? [folder] : []),
    ...inner.flatMap(({ name }) => roomsOfSrc(`${folder}/${name}`)),
  ];
}

describe('ARCHITECTURE.md', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');

  it('names every room of src, and nothing that is not there', () => {
    assert.deepEqual(faults(text, roomsOfSrc()), []);
  });

  it('would be found wrong', () => {
    assert.deepEqual(faults('see `src/gone/a.ts`', ['src/cli']), [
      'src/gone/a.ts is not there',
      'src/cli is not named',
    ]);
  });
});
