/**
 * `node dist/bench/native-settings.js`: the registry's defaults of every built-in mechanism, for the native
 * tests, as lines of C++: `{"copy", "buffer=1048576"},`.
 */
import { EXIT } from '../src/base/errors/errors.js';
import { forwarderKinds } from '../src/machine/forwarders/registry.js';
import { settingsOf } from '../src/machine/forwarders/settings.js';
import { runProgram } from './entry.js';

function main(): Promise<number> {
  for (const kind of forwarderKinds.values()) {
    if (kind.runner.kind !== 'builtin') continue;
    const words = Object.entries(settingsOf(kind, {}).settings).map(
      ([name, value]) => `${name}=${String(value)}`,
    );
    process.stdout.write(`{"${kind.runner.mechanism}", "${words.join(' ')}"},\n`);
  }
  return Promise.resolve(EXIT.ok);
}

await runProgram('native-settings', main);
