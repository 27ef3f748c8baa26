/** `run --quick` and `report`: the folder, its tables, what is printed where. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  jsonLines,
  readCsv,
  scratchFolder,
  storedTrials,
  writeScenario,
} from '../support/folder.js';
import { requireTool } from '../support/require-tool.js';
import { type Ended, Running, splicebench } from '../support/process.js';

const TRIAL_COLUMNS =
  'run_id, trial_id, block, position, scenario, topology, forwarder, direction, connections, message_bytes, check, outcome, bottleneck, seconds, bytes, goodput_gbps, forwarder_cpu_seconds, forwarder_cpu_seconds_per_gb, system_cpu_seconds_per_gb, syscalls, syscalls_per_gb, bytes_per_syscall, syscall_source, latency_p50_us, latency_p99_us, latency_p999_us, verified_bytes, incidents, corrupted_bytes, missing_bytes, extra_bytes, kernel_memory_peak_bytes, retransmits, error';
const SUMMARY_COLUMNS =
  'scenario, topology, forwarder, baseline, check, metric, unit, n, median, ci_low, ci_high, ratio, ratio_ci_low, ratio_ci_high, significant';
const INTEGRITY_COLUMNS = [
  'verified_bytes',
  'incidents',
  'corrupted_bytes',
  'missing_bytes',
  'extra_bytes',
];
const ESCAPE = '\u001b';

function assertColumns(found: string[], wanted: string): void {
  const columns = wanted.split(', ');
  assert.deepEqual(found.slice(0, columns.length), columns);
  assert.equal(new Set(found).size, found.length, 'no column twice');
}

async function cli(...args: string[]): Promise<Ended> {
  return cliIn(process.cwd(), ...args);
}

async function cliIn(cwd: string, ...args: string[]): Promise<Ended> {
  const running = new Running(splicebench(...args), { cwd });
  try {
    return await running.ended;
  } finally {
    await running.clean();
  }
}

describe('run --quick', () => {
  const { folder, remove } = scratchFolder();
  const out = join(folder, 'run');
  let ended: Ended;

  before(async () => {
    ended = await cli('run', '--quick', '--seed', '2008', '--json', '--out', out);
  });
  after(remove);

  it('ends with 0 and has all files', () => {
    assert.equal(ended.code, 0, ended.stderr);
    const files = ['charts', 'incidents.jsonl', 'integrity.csv', 'report.html', 'report.md'];
    assert.deepEqual(readdirSync(out).sort(), [
      ...files,
      'run.json',
      'summary.csv',
      'trials.csv',
      'trials.jsonl',
    ]);
    const charts = readdirSync(join(out, 'charts'));
    assert.ok(charts.length > 0 && charts.every((name) => name.endsWith('.svg')));
    for (const file of ['report.html', 'report.md', 'summary.csv', 'trials.csv']) {
      assert.ok(statSync(join(out, file)).size > 0, file);
    }
  });

  it('stores seed, plan and environment', () => {
    const manifest = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as {
      seed: string;
      scenarios: { name: string }[];
      environment: { kernel: string; sysctls: Record<string, string> }[];
      finished: string | null;
      interrupted: boolean;
    };
    assert.equal(manifest.seed, '2008');
    assert.deepEqual(
      manifest.scenarios.map(({ name }) => name),
      ['loopback'],
    );
    assert.ok(manifest.environment.length > 0 && manifest.environment[0]?.kernel);
    assert.notEqual(manifest.finished, null);
    assert.equal(manifest.interrupted, false);
  });

  it('prints events and nothing else on standard output, text on standard error', () => {
    const events = jsonLines(ended.stdout);
    assert.equal(ended.stdout.trim().split('\n').length, events.length);
    const names = events.map(({ event }) => event);
    assert.equal(names[0], 'run-start');
    assert.equal(names.at(-1), 'run-end');
    const finished = events.flatMap(({ event, record }) =>
      event === 'trial-end' ? [(record as { trial_id: string }).trial_id] : [],
    );
    assert.deepEqual(
      finished,
      storedTrials(out).map(({ trial_id: id }) => id),
    );
    assert.match(ended.stderr, /Verdict/);
    assert.ok(!ended.stderr.includes(ESCAPE) && !ended.stdout.includes(ESCAPE));
  });

  it("trials.csv has the contract's columns in order, a row per trial", () => {
    const { columns, rows } = readCsv(join(out, 'trials.csv'));
    assertColumns(columns, TRIAL_COLUMNS);
    const trials = storedTrials(out);
    // Two blocks of four forwarders, with three kinds of ends.
    assert.equal(trials.length, 24);
    assert.deepEqual(
      rows.map((row) => row['trial_id']),
      trials.map(({ trial_id: id }) => id),
    );
    for (const row of rows) {
      const empty = row['check'] === 'none';
      for (const column of INTEGRITY_COLUMNS) assert.equal(row[column] === '', empty, column);
      assert.equal(row['outcome'], empty ? 'unchecked' : 'intact');
      assert.equal(row['error'], '');
      assert.ok(Number(row['goodput_gbps']) > 0);
      const gbps = (Number(row['bytes']) * 8) / 1e9 / Number(row['seconds']);
      assert.ok(Math.abs(gbps / Number(row['goodput_gbps']) - 1) < 1e-6);
      const direct = row['forwarder'] === 'direct';
      assert.equal(row['forwarder_cpu_seconds'] === '', direct);
      if (!empty) {
        // The window is a part of what was verified.
        assert.ok(Number(row['verified_bytes']) >= Number(row['bytes']));
        assert.equal(row['incidents'], '0');
      }
    }
  });

  it("summary.csv has the contract's columns in order, and never mixes the kinds of ends", () => {
    const { columns, rows } = readCsv(join(out, 'summary.csv'));
    assertColumns(columns, SUMMARY_COLUMNS);
    for (const forwarder of ['direct', 'poc', 'splice', 'copy']) {
      for (const payload of ['prepared', 'copied', '']) {
        const of = rows.filter(
          (row) => row['forwarder'] === forwarder && row['payload'] === payload,
        );
        const [goodput, ...more] = of.filter((row) => row['metric'] === 'goodput');
        assert.ok(goodput && more.length === 0);
        assert.equal(goodput['n'], '2');
        assert.equal(goodput['baseline'], 'copy');
        assert.equal(goodput['ci_low'], '', 'two samples have no 95 % interval');
      }
    }
  });

  it('report rebuilds the same tables, charts and pages from the stored trials', async () => {
    const derived = ['trials.csv', 'summary.csv', 'integrity.csv', 'report.md', 'report.html'];
    const contents = () => derived.map((file) => readFileSync(join(out, file), 'utf8'));
    const kept = contents();
    const charts = readdirSync(join(out, 'charts'));
    for (const file of [...derived, 'charts']) rmSync(join(out, file), { recursive: true });
    const { code, stdout, stderr } = await cli('report', out);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Verdict/);
    const rebuilt = contents();
    for (const [index, file] of derived.entries()) assert.equal(rebuilt[index], kept[index], file);
    assert.deepEqual(readdirSync(join(out, 'charts')), charts);
  });

  it('a folder that holds a run is not written again', async () => {
    const before = readFileSync(join(out, 'trials.jsonl'), 'utf8');
    const { code, stderr } = await cli('run', '--quick', '--out', out);
    assert.equal(code, 2);
    assert.match(stderr, /already holds a run; go on with it with --resume/);
    assert.equal(readFileSync(join(out, 'trials.jsonl'), 'utf8'), before);
  });

  it('--resume of a finished run runs nothing again', async () => {
    const before = readFileSync(join(out, 'trials.jsonl'), 'utf8');
    const { code, stdout } = await cli('run', '--resume', out, '--json');
    assert.equal(code, 0);
    assert.ok(!jsonLines(stdout).some(({ event }) => event === 'trial-start'));
    assert.equal(readFileSync(join(out, 'trials.jsonl'), 'utf8'), before);
  });
});

describe('options of run', () => {
  const { folder, remove } = scratchFolder();
  after(remove);
  const scenario = writeScenario(folder, {
    workload: { seconds: 0.1, warmup: 0 },
    forwarders: ['direct', 'poc', 'splice', 'copy'],
    baseline: 'copy',
    blocks: { min: 6, max: 6 },
  });

  it('--dry-run runs nothing and writes nothing', async () => {
    const out = join(folder, 'dry');
    const { code, stdout } = await cli('run', scenario, '--dry-run', '--seed', '7', '--out', out);
    assert.equal(code, 0);
    assert.match(stdout, /forwarders +direct, poc, splice, copy \(baseline copy\)/);
    assert.match(stdout, /block 1/);
    assert.throws(() => statSync(out));
  });

  it('--only, --blocks and --seed: these forwarders, so many blocks, the same order', async () => {
    const orders = await Promise.all(
      ['a', 'b'].map(async (name) => {
        const out = join(folder, name);
        const options = ['--only', 'splice,poc', '--blocks', '3', '--seed', '11', '--out', out];
        const { code, stderr } = await cli('run', scenario, ...options);
        assert.equal(code, 0, stderr);
        const trials = storedTrials(out);
        assert.deepEqual(
          new Set(trials.map(({ forwarder }) => forwarder)),
          new Set(['splice', 'poc', 'copy']),
        );
        assert.equal(trials.length, 9);
        assert.deepEqual(new Set(trials.map(({ block }) => block)), new Set([1, 2, 3]));
        return trials.map(({ block, position, forwarder }) => [block, position, forwarder]);
      }),
    );
    assert.deepEqual(orders[0], orders[1]);
  });

  it('without --out the folder is results/runs/RUN; output to a file has no escape codes', async () => {
    const { code, stdout, stderr } = await cliIn(folder, 'run', scenario, '--blocks', '1');
    assert.equal(code, 0, stderr);
    const runs = readdirSync(join(folder, 'results', 'runs'));
    assert.equal(runs.length, 1);
    assert.match(runs[0] ?? '', /^\d{8}-\d{6}-test$/);
    assert.ok(!stdout.includes(ESCAPE) && !stderr.includes(ESCAPE));
    assert.match(stdout, /Verdict/);
    assert.match(stdout, new RegExp(`report: results/runs/${runs[0] ?? ''}/report.html`));
  });

  it(
    'colours on a terminal, but not under NO_COLOR',
    { skip: requireTool('script').skip },
    async () => {
      const out = join(
        folder,
        'results',
        'runs',
        readdirSync(join(folder, 'results', 'runs'))[0] ?? '',
      );
      const onTerminal = async (env: Record<string, string | undefined>) => {
        const command = splicebench('report', out).join(' ');
        const options = { env: { TERM: 'xterm', NO_COLOR: undefined, ...env } };
        const running = new Running(['script', '-qec', command, '/dev/null'], options);
        const { stdout, code } = await running.ended;
        assert.equal(code, 0, stdout);
        return stdout;
      };
      assert.ok((await onTerminal({})).includes(`${ESCAPE}[`));
      assert.ok(!(await onTerminal({ NO_COLOR: '1' })).includes(`${ESCAPE}[`));
    },
  );

  it('list --json names scenarios, forwarders and topologies, and why not', async () => {
    const { code, stdout } = await cli('list', '--json');
    assert.equal(code, 0);
    const lists = JSON.parse(stdout) as Partial<
      Record<string, { name: string; available: boolean; reason: string | null }[]>
    >;
    const names = (key: string) => lists[key]?.map(({ name }) => name) ?? [];
    assert.ok(names('scenarios').includes('loopback'));
    for (const name of ['direct', 'poc', 'splice', 'copy', 'command']) {
      assert.ok(names('forwarders').includes(name), name);
    }
    assert.ok(names('topologies').includes('loopback'));
    for (const { available, reason } of Object.values(lists).flatMap((list) => list ?? [])) {
      assert.equal(reason === null, available);
    }
    assert.match((await cli('list')).stdout, /^forwarders$/m);
  });
});
