// Includes of native/src go down the storeys of native/storeys.json: `node check-includes.cjs [TREE]`.
const { readdirSync, readFileSync } = require('node:fs');
const { join, sep } = require('node:path');
const process = require('node:process');

const tree = process.argv[2] ?? join(__dirname, '..');
const source = join(tree, 'native', 'src');
/** @type {{ storeys: string[][] }} */
const { storeys } = JSON.parse(readFileSync(join(tree, 'native', 'storeys.json'), 'utf8'));

const groups = storeys.flat().map((group) => group.split('|').map((folder) => folder.trim()));
const levelOf = new Map(groups.flatMap((group, level) => group.map((folder) => [folder, level])));
const last = groups.at(-1)?.at(-1) ?? '';

/** The folder that a path below native/src belongs to. */
function folderOf(path, separator) {
  const parts = path.split(separator);
  return parts.length === 1 ? last : (parts[0] ?? '');
}

const found = [];
for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' }).toSorted()) {
  if (!/\.(?:cc|h)$/.test(path)) continue;
  const from = folderOf(path, sep);
  const level = levelOf.get(from);
  if (level === undefined) found.push(`native/src/${path}: no storey has a folder '${from}'`);
  const text = readFileSync(join(source, path), 'utf8');
  for (const [, header = ''] of text.matchAll(/^#include "([^"]+)"/gm)) {
    const to = folderOf(header, '/');
    const below = levelOf.get(to);
    if (level === undefined || from === to) continue;
    if (below === undefined || below >= level)
      found.push(`native/src/${path}: ${from} may not include ${header}`);
  }
}
if (found.length > 0) {
  process.stderr.write(`Includes go down only (native/storeys.json):\n${found.join('\n')}\n`);
  process.exitCode = 1;
}
