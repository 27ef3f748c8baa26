/** What mechanisms tell of themselves, through whole runs: each figure against what really happened. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  readCsv,
  scratch,
  storedTrials,
  type TrialLine,
  writeScenario,
} from '../support/folder.js';
import { cli } from '../support/process.js';
import { requireMechanism } from '../support/require-tool.js';
import { sinkJson, startForward, startSource } from '../support/stream.js';

/** As numbers; what a mechanism does not count is NaN, and fails whatever it is compared with. */
function details(trial: TrialLine | undefined, ...names: string[]): number[] {
  const detail = (trial?.['forwarder_detail'] ?? {}) as Record<string, unknown>;
  return names.map((name) => Number(detail[name]));
}

describe('zero copy', () => {
  for (const mechanism of ['zerocopy', 'uring-zerocopy']) {
    const { skip } = requireMechanism(mechanism);
    it(
      `${mechanism}: over loopback the kernel copied every send, and it shows`,
      { skip },
      async (t) => {
        const folder = scratch(t);
        const scenario = writeScenario(folder, {
          workload: { bytes: '64MiB', message: '256KiB' },
          forwarders: [mechanism],
          blocks: { min: 1, max: 1 },
        });
        const out = join(folder, 'run');
        const { code, stdout, stderr } = await cli(t, ['run', scenario, '--out', out]);
        assert.equal(code, 0, stderr);
        const [trial] = storedTrials(out);
        const [sends = NaN, copied] = details(trial, 'zerocopy_sends', 'zerocopy_copied');
        assert.ok(sends > 0);
        assert.equal(copied, sends);
        assert.equal(trial?.['zero_copy_share'], 0);
        assert.equal(readCsv(join(out, 'trials.csv')).rows[0]?.['zero_copy_share'], '0');
        assert.match(stdout, /the kernel sent 0 % of its zero-copy sends without copying/);
        if (mechanism === 'zerocopy') return;
        const [bytes = NaN, bytesCopied, refused = NaN] = details(
          trial,
          'zerocopy_bytes',
          'zerocopy_bytes_copied',
          'zerocopy_refused',
        );
        assert.equal(bytesCopied, bytes);
        assert.ok(bytes > 0 && bytes <= 64 * 2 ** 20);
        assert.ok(refused >= 0);
      },
    );
  }
});

describe('splice-tee', () => {
  it('its mirror holds the stream, byte by byte', async (t) => {
    const folder = scratch(t);
    const content = join(folder, 'content');
    const mirror = join(folder, 'mirror');
    // No multiple of a page or a pipe.
    const bytes = randomBytes(9_000_001);
    writeFileSync(content, bytes);
    const { port: upstream } = await startSource(t, '--file', content);
    const set = ['--set', `mirror=${mirror}`];
    const { port, forward } = await startForward(
      t,
      upstream,
      ...['--mechanism', 'splice-tee', '--once', ...set],
    );
    const { json } = await sinkJson(t, port, '--file', content);
    assert.deepEqual([json.outcome, json.bytes], ['intact', bytes.length]);
    assert.equal((await forward.ended).code, 0);
    assert.ok(readFileSync(mirror).equals(bytes));
  });
});

describe('copy-adaptive', () => {
  it('grows and shrinks with what arrives', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      // As fast as it goes, so that receives fill buffers, in pieces far below the largest buffer.
      workload: { bytes: '64MiB', message: '1KiB' },
      forwarders: [
        'copy-adaptive',
        { use: 'copy-adaptive', name: 'one-size', min: '64KiB', max: '64KiB' },
      ],
      baseline: 'one-size',
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 0, stderr);
    const of = (label: string) =>
      details(
        storedTrials(out).find(({ forwarder }) => forwarder === label),
        'buffer_grown',
        'buffer_shrunk',
        'buffer_largest_bytes',
      );
    const [grown = NaN, shrunk = NaN, largest = NaN] = of('copy-adaptive');
    assert.ok(grown > 0 && shrunk > 0, `grown ${grown}, shrunk ${shrunk}`);
    assert.ok(largest > 4096 && largest <= 2 ** 20, String(largest));
    assert.deepEqual(of('one-size'), [0, 0, 65_536]);
  });
});

describe('sockmap', () => {
  const { skip } = requireMechanism('sockmap');
  it('loses the end of the stream, and every report says how much', { skip }, async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      // Slower than the source, so that there is something to lose.
      workload: { seconds: '300ms', warmup: '100ms', reader: '100Mbps' },
      forwarders: ['sockmap'],
      blocks: { min: 1, max: 1 },
    });
    const attempt = async (number: number) => {
      const out = join(folder, `run${number}`);
      const { code, stdout, stderr } = await cli(t, ['run', scenario, '--out', out]);
      const [trial] = storedTrials(out);
      assert.ok(trial);
      // A session may be reset instead (docs/sockmap.md), which loses bytes no less and is told as that.
      assert.ok(['truncated', 'reset'].includes(trial.outcome), stderr);
      assert.equal(code, trial.outcome === 'truncated' ? 3 : 1, stderr);
      return { out, stdout, trial };
    };
    let { out, stdout, trial } = await attempt(1);
    for (let number = 2; number <= 4 && trial.outcome === 'reset'; number++) {
      ({ out, stdout, trial } = await attempt(number));
    }
    assert.equal(trial.outcome, 'truncated');
    const missing = Number(/the last (\d+) bytes never arrived/.exec(trial.error ?? '')?.[1]);
    const [lost = NaN, peak = NaN] = details(trial, 'lost_bytes', 'backlog_peak_bytes');
    // The end of a stream counts as a byte where TCP acknowledges it.
    assert.ok(Math.abs(missing - lost) <= 1, `${missing} missing, ${lost} known to be lost`);
    assert.ok(peak >= lost && lost > 0, `peak ${peak}`);
    const [row] = readCsv(join(out, 'trials.csv')).rows;
    assert.deepEqual(
      [row?.['outcome'], row?.['lost_bytes'], row?.['backlog_peak_bytes']],
      ['truncated', String(lost), String(peak)],
    );
    const summary = readCsv(join(out, 'summary.csv')).rows;
    const median = (metric: string) =>
      summary.find((each) => each['metric'] === metric)?.['median'];
    assert.equal(median('goodput'), '');
    assert.equal(median('lost_bytes'), String(lost));
    assert.notEqual(median('kernel_memory_peak') ?? '', '');
    const sentence = /1 of 1 trial truncated; the kernel held up to [\d.]+ [kMG]?B that no socket/;
    for (const text of [
      stdout.replaceAll(/\s+/g, ' '),
      readFileSync(join(out, 'report.md'), 'utf8'),
      readFileSync(join(out, 'report.html'), 'utf8'),
    ]) {
      assert.match(text, sentence);
      assert.match(text, /and lost [\d.]+ [kMG]?B per trial at the end of the stream/);
    }
  });
});
