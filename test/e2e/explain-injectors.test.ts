/** `explain` on streams that were really broken, one fault each, against a golden file. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { storedIncidents, scratch, writeScenario } from '../support/folder.js';
import { cli, ROOT } from '../support/process.js';

/** UPDATE_GOLDEN=1 writes it anew; read the difference before it is committed. */
const GOLDEN = join(ROOT, 'test', 'fixtures', 'explain', 'injectors.txt');

/** Where no page, segment or word of a stamp begins. */
const AT = 300_007;
const FAULTS = [
  ...(['bit-flip', 'zeros', 'noise', 'foreign', 'decoy'] as const),
  ...(['drop', 'duplicate', 'insert', 'swap', 'shift'] as const),
];

/**
 * Without what differs from run to run, since it depends on how the kernel cuts the stream: the lines of
 * calls, the sizes of the calls that carried the bytes, and the segments.
 */
function stable(text: string): string {
  const [head = '', story = ''] = text.split(/^(?=It begins)/m);
  const lines = head.split('\n').filter((line) => !/^\d+\.\d{6} /.test(line));
  const told = story
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/, and ([\d,]+ bytes? into|at the start of) a segment[^.]*\./g, '.')
    .replaceAll(/ [\d,]+ others? of the run (is|are) alike\./g, '')
    .replaceAll(/by (one|[\d,]+ calls of) (\w+) of [\d,]+ bytes, [^.]*\./g, 'by CALLS of $2.');
  return [...lines, told.trim()].join('\n').trim();
}

describe('explain on the fault injectors', () => {
  it('tells every fault as the golden file has it', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      name: 'injectors',
      workload: { bytes: '1MiB', check: 'full' },
      forwarders: [
        'copy',
        ...FAULTS.map((fault) => ({ use: 'faulty', name: fault, fault, at: AT, length: 40 })),
      ],
      baseline: 'copy',
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const ran = await cli(t, ['run', scenario, '--seed', '7', '--out', out]);
    assert.equal(ran.code, 3, ran.stderr);
    const incidents = storedIncidents(out);
    for (const fault of FAULTS) {
      const own = incidents.filter(({ forwarder }) => forwarder === fault);
      assert.ok(own.length > 0, `${fault} was not seen`);
    }
    const stories: string[] = [];
    for (const number of incidents.keys()) {
      const { code, stdout } = await cli(t, ['explain', out, String(number + 1)]);
      assert.equal(code, 0);
      stories.push(stable(stdout));
    }
    const found = `${stories.join('\n\n')}\n`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, found);
    assert.equal(found, readFileSync(GOLDEN, 'utf8'));
  });
});
