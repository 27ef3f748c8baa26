/** Debug builds: HAProxy behind a wrapper that says it was built as one, and built-in mechanisms. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { splicebench, start } from '../support/process.js';
import { requireTool } from '../support/require-tool.js';
import { writeProgram } from '../support/tree.js';

const WRAPPER = `[ "$1" = -vv ] && exec echo '  DEBUG   = -DDEBUG_STRICT -DDEBUG_UAF'
exec haproxy "$@"`;

describe('a debug build under test', () => {
  it(
    'is recorded and named in the verdict, an ordinary one not',
    requireTool('haproxy'),
    async (t) => {
      const folder = scratch(t);
      const program = writeProgram(folder, 'haproxy-uaf', WRAPPER);
      const scenario = writeScenario(folder, {
        workload: { kind: 'stream', seconds: '200ms', warmup: '50ms' },
        forwarders: ['copy', 'haproxy', { use: 'haproxy', name: 'checked', program }],
        baseline: 'copy',
        blocks: { min: 1, max: 1 },
      });
      const out = join(folder, 'run');
      const { code, stdout, stderr } = await start(t, splicebench('run', scenario, '--out', out))
        .ended;
      assert.equal(code, 0, stderr);
      const builds = new Map(
        storedTrials(out).map(({ forwarder, ...one }) => [
          forwarder,
          (one['forwarder_detail'] as Record<string, unknown>)['debug_build'] ?? null,
        ]),
      );
      assert.deepEqual(Object.fromEntries(builds), {
        checked: '-DDEBUG_UAF',
        copy: null,
        haproxy: null,
      });
      const said = stdout.replaceAll(/\s+/g, ' ');
      assert.match(said, /checked is a debug build \(-DDEBUG_UAF\)/);
      assert.doesNotMatch(said, /(?:copy|haproxy) is a debug build/);
    },
  );
});
