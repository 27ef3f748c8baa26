/** docs/adding-a-forwarder.md, followed to the letter in a copy of the tree: its mechanism forwards bytes. */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { scratch } from '../support/folder.js';
import { ROOT, run } from '../support/process.js';

const doc = readFileSync(join(ROOT, 'docs', 'adding-a-forwarder.md'), 'utf8');

/** The one block of the document in a language. */
function block(language: string): string {
  const found = [...doc.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))];
  assert.equal(found.length, 1, language);
  return found[0]?.[1] ?? '';
}

/** What was built here, as it is, and with it what is built anew from it: sources with their times. */
function copyOfTree(folder: string): void {
  for (const part of [
    'native/src',
    'native/recorder',
    'native/binding.gyp',
    'native/build',
    'dist/src',
  ]) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true, preserveTimestamps: true });
  }
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  // The compiler's arguments name this one by its real path: elsewhere, everything would be compiled anew.
  const headers = 'node-addon-api';
  const modules = join(ROOT, 'node_modules');
  cpSync(join(modules, headers), join(folder, 'node_modules', headers), {
    recursive: true,
    preserveTimestamps: true,
  });
  for (const name of readdirSync(modules)) {
    if (name !== headers) symlinkSync(join(modules, name), join(folder, 'node_modules', name));
  }
}

describe('adding a mechanism', () => {
  it('takes one file and one entry, as the document says', async (t) => {
    const tree = scratch(t);
    copyOfTree(tree);
    const source = block('cpp');
    const [, file = ''] = /^\/\/ (native\/src\/forward\/\w+\.cc):/.exec(source) ?? [];
    writeFileSync(join(tree, file), source);

    const registry = join('src', 'machine', 'forwarders', 'registry');
    const written = readFileSync(join(ROOT, `${registry}.ts`), 'utf8');
    const list = 'const kinds: ForwarderKind[] = [\n';
    assert.ok(written.includes(list));
    const { outputText } = ts.transpileModule(written.replace(list, list + block('ts')), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(join(tree, 'dist', `${registry}.js`), outputText);

    // Nothing but the new file is compiled.
    const build = ['npx', '--no-install', 'node-gyp', 'configure', 'build', '-C', 'native'];
    const built = await run(t, [...build, '--loglevel=error'], { cwd: tree, deadline: 600_000 });
    assert.equal(built.code, 0, built.stdout + built.stderr);
    assert.ok(built.stdout.includes('tiny.o'), built.stdout);

    const main = join(tree, 'dist', 'src', 'cli', 'main.js');
    const scenario = join(tree, 'tiny.yaml');
    writeFileSync(
      scenario,
      JSON.stringify({
        name: 'tiny',
        topology: { kind: 'loopback' },
        workload: {
          kind: 'stream',
          direction: 'both',
          connections: 3,
          bytes: '2MiB',
          mode: 'solo',
        },
        forwarders: [{ use: 'tiny', buffer: '10000' }],
        blocks: { min: 1, max: 1 },
      }),
    );
    const out = join(tree, 'run');
    const ran = await run(t, [process.execPath, main, 'run', scenario, '--out', out]);
    assert.equal(ran.code, 0, ran.stderr);
    const [trial] = readFileSync(join(out, 'trials.jsonl'), 'utf8').trim().split('\n');
    const { outcome, verified_bytes: verified } = JSON.parse(trial ?? '') as Record<
      string,
      unknown
    >;
    assert.deepEqual([outcome, verified], ['intact', 6 * 2 * 2 ** 20]);
  });
});
