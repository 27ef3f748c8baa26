/** What the ends of a stream do with bytes that nobody compares, seen from outside: their system calls. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readCsv, scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli, splicebench, start } from '../support/process.js';
import { requireRoot, requireTools } from '../support/require-tool.js';

const SHORT = { seconds: '200ms', warmup: '50ms' };
const BY_REFERENCE = ['splice', 'tee', 'vmsplice', 'sendfile'];
const CALLS = [...BY_REFERENCE, 'sendto', 'sendmsg', 'recvfrom', 'recvmsg', 'mmap'];

/** Calls that moved at least a page. */
function largeCalls(trace: string): { name: string; line: string }[] {
  return trace.split('\n').flatMap((line) => {
    const found = /^(\w+)\(.* = (\d+)$/.exec(line);
    if (found === null || Number(found[2]) < 4096 || found[1] === 'mmap') return [];
    return [{ name: found[1] ?? '', line }];
  });
}

const tools = requireTools('strace');
const skip = tools.skip || requireRoot().skip;

describe('the payload', () => {
  // Only the ends move bytes: there is no forwarder between them.
  async function traced(t: Parameters<typeof scratch>[0], payload: string) {
    const folder = scratch(t);
    const file = writeScenario(folder, {
      workload: { ...SHORT, check: 'none', payload },
      forwarders: ['direct'],
      blocks: { min: 1, max: 1 },
    });
    const trace = join(folder, 'trace');
    // A file per thread: a call that others interrupt would be torn in a common one.
    const strace = [
      'strace',
      '-ff',
      '-qq',
      '-s',
      '0',
      '-o',
      trace,
      '-e',
      `trace=${CALLS.join(',')}`,
    ];
    const out = join(folder, 'run');
    const running = start(t, [...strace, ...splicebench('run', file, '--out', out)]);
    const { code } = await running.ended;
    assert.equal(code, 0, running.said());
    const [trial] = storedTrials(out);
    assert.equal(trial?.['payload'], payload);
    const files = readdirSync(folder).filter((name) => name.startsWith('trace.'));
    return files.flatMap((name) => largeCalls(readFileSync(join(folder, name), 'utf8')));
  }

  it('copied goes through buffers at both ends', { skip }, async (t) => {
    const calls = await traced(t, 'copied');
    const named = (name: string) => calls.filter((call) => call.name === name);
    assert.deepEqual(
      calls.filter(({ name }) => BY_REFERENCE.includes(name)),
      [],
    );
    assert.ok(named('sendto').length > 10);
    assert.ok(named('recvfrom').length > 10);
    const [odd] = calls.filter(({ line }) => /MSG_TRUNC|MSG_ZEROCOPY|NULL, \d+, 0/.test(line));
    assert.equal(odd, undefined);
  });

  it('prepared goes by reference, and ends in the kernel', { skip }, async (t) => {
    const calls = await traced(t, 'prepared');
    assert.ok(calls.some(({ name }) => name === 'splice'));
    assert.ok(calls.some(({ name, line }) => name === 'recvfrom' && line.includes('MSG_TRUNC')));
    assert.ok(!calls.some(({ name }) => name === 'sendto'));
  });

  it('is a condition of its own in every table, and bytes that are compared have none', async (t) => {
    const folder = scratch(t);
    const out = join(folder, 'run');
    const file = writeScenario(folder, {
      workload: SHORT,
      matrix: {
        'workload.check': ['none', 'full'],
        'workload.payload': ['prepared', 'copied'],
      },
      forwarders: ['splice', 'copy'],
      blocks: { min: 2, max: 2 },
    });
    const ended = await cli(t, ['run', file, '--out', out]);
    assert.equal(ended.code, 0, ended.stderr);
    const CELLS = [
      ['test/check=none,payload=prepared', 'prepared'],
      ['test/check=none,payload=copied', 'copied'],
      ['test/check=full', ''],
    ];
    for (const table of ['trials.csv', 'summary.csv']) {
      const { columns, rows } = readCsv(join(out, table));
      assert.equal(columns.at(-1), 'payload');
      const key = columns.includes('cell') ? 'cell' : 'trial_id';
      for (const [cell = '', payload] of CELLS) {
        const part = key === 'cell' ? cell : cell.replaceAll(/[^a-z]+/g, '-');
        const own = rows.filter((row) => row[key]?.includes(part));
        assert.ok(own.length > 0, `${table}: ${part}`);
        for (const row of own) assert.equal(row['payload'], payload);
      }
    }
    const { rows } = readCsv(join(out, 'summary.csv'));
    const cells = [...new Set(rows.map((row) => row['cell']))];
    assert.deepEqual(
      cells,
      CELLS.map(([cell]) => cell),
    );
  });
});
