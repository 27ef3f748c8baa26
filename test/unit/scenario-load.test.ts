import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors/errors.js';
import { loadScenario, loadScenarios } from '../../src/experiment/scenario/load.js';
import { listScenarios } from '../../src/experiment/scenario/names.js';
import { kinds, messageOf, MINIMAL, scenarioOf, streamOf } from './scenario-fixtures.js';

/** The lines of the error for a text. */
function complaints(text: string): string[] {
  return messageOf(() => scenarioOf(text)).split('\n');
}

describe('a valid scenario', () => {
  it('gets the defaults of the contract', () => {
    const scenario = scenarioOf(MINIMAL);
    assert.deepEqual(scenario.blocks, {
      min: 6,
      max: 20,
      target: 0.03,
      equivalent: 0.03,
      budget: null,
    });
    assert.equal(scenario.baseline, 'copy');
    assert.equal(scenario.cells.length, 1);
    assert.deepEqual(scenario.cells[0], {
      key: 'small',
      scenario: 'small',
      topology: { kind: 'loopback', congestion: 'cubic', sysctls: {} },
      workload: {
        kind: 'stream',
        direction: 'download',
        connections: 1,
        seconds: 2,
        bytes: null,
        payload: null,
        pages: null,
        warmup: 0.5,
        check: 'full',
        message: null,
        rate: null,
        reader: null,
        pause: null,
        early: null,
        urgent: null,
        prefix: null,
        mss: null,
        rcvbuf: null,
        sndbuf: null,
        measure: null,
        settle: null,
        content: { kind: 'stamped' },
        stall: 5,
        decoys: null,
        unprivileged: false,
        memory: null,
        mode: 'alternate',
      },
      baseline: 'copy',
      pin: null,
    });
  });

  it('reads every key of the contract', () => {
    const scenario = scenarioOf(`name: my-proxy
description: all of it
topology: { kind: loopback, congestion: bbr, sysctls: { net.ipv4.tcp_no_metrics_save: 1 } }
workload:
  kind: stream
  direction: both
  connections: 10
  bytes: 512MiB
  warmup: 200ms
  check: none
  message: 64KiB
  content: { file: data.bin }
  stall: 3s
forwarders:
  - direct
  - { use: copy, buffer: 64KiB }
  - { use: splice, pipe: 1MiB, name: best }
  - use: command
    name: mine
    argv: ["./my-proxy", "{listen.host}", "{listen.port}"]
baseline: best
pin: { source: 0, forwarder: "1-2", sink: [0, 3] }
blocks: { min: 3, max: 4, target: 5%, budget: 150s }
thresholds: ["copy.ratio.goodput >= 0.5", "incidents == 0"]
`);
    const { topology, pin } = scenario.cells[0] ?? assert.fail();
    const workload = streamOf(scenario.cells[0]);
    assert.deepEqual(topology.sysctls, { 'net.ipv4.tcp_no_metrics_save': '1' });
    assert.equal(workload.bytes, 512 * 2 ** 20);
    assert.equal(workload.warmup, 0.2);
    assert.equal(workload.message, 65_536);
    assert.deepEqual(workload.content, { kind: 'file', path: 'data.bin' });
    assert.deepEqual(pin, { source: [0], forwarder: [1, 2], sink: [0, 3] });
    assert.deepEqual(scenario.blocks, {
      min: 3,
      max: 4,
      target: 0.05,
      equivalent: 0.03,
      budget: 150,
    });
    assert.deepEqual(
      scenario.forwarders.map(({ label }) => label),
      ['direct', 'copy', 'best', 'mine'],
    );
    assert.deepEqual(scenario.forwarders[2], {
      label: 'best',
      use: 'splice',
      options: { pipe: 2 ** 20 },
    });
    assert.equal(scenario.thresholds.length, 2);
  });

  it('is plain data: JSON keeps it as it is', () => {
    const scenario = scenarioOf(MINIMAL);
    assert.deepEqual(JSON.parse(JSON.stringify(scenario)), scenario);
  });

  it('lets min and max of the blocks default to each other', () => {
    assert.equal(scenarioOf(`${MINIMAL}blocks: { max: 4 }\n`).blocks.min, 4);
    assert.equal(scenarioOf(`${MINIMAL}blocks: { min: 30 }\n`).blocks.max, 30);
  });
});

describe('an invalid scenario', () => {
  const cases: [what: string, text: string, ...expected: string[]][] = [
    [
      'an unknown key',
      'name: a\n\n\n\n\n\nforwarder: [copy]\nforwarders: [copy]\n',
      "my.yaml:7: unknown key 'forwarder', did you mean 'forwarders'?",
    ],
    [
      'an unknown nested key',
      `${MINIMAL}workload:\n  seconds: 1\n  conections: 2\n`,
      "my.yaml:5: unknown key 'conections', did you mean 'connections'?",
    ],
    [
      'an unknown option of a forwarder',
      'name: a\nforwarders:\n  - direct\n  - use: splice\n    pip: 1MiB\n',
      "my.yaml:5: unknown key 'pip', did you mean 'pipe'?",
    ],
    [
      'strace that is neither on nor off',
      'name: a\nforwarders:\n  - copy\n  - { use: poc, strace: sometimes }\n',
      "my.yaml:4: forwarders[1].strace: expected true or false, got 'sometimes'",
    ],
    [
      'an unknown forwarder',
      'name: a\nforwarders:\n  - direct\n  - splce\n',
      "my.yaml:4: unknown forwarder 'splce', did you mean 'splice'?",
    ],
    [
      'a value that is no choice',
      `${MINIMAL}workload: { direction: donwload }\n`,
      "my.yaml:3: workload.direction: got 'donwload', did you mean 'download'?",
    ],
    [
      'a value far from any choice',
      `${MINIMAL}workload: { check: maybe }\n`,
      "my.yaml:3: workload.check: expected one of full, none, got 'maybe'",
    ],
    [
      'a size that is none',
      `${MINIMAL}workload:\n  message: 64KB!\n`,
      "my.yaml:4: workload.message: expected a size such as 64KiB, 1MiB or 1500, got '64KB!'",
    ],
    [
      'a duration with an unknown unit',
      `${MINIMAL}workload:\n  warmup: 3 fortnights\n`,
      'my.yaml:4: workload.warmup: expected a duration such as 3s or 200ms (units us, ms, s, min, h), ' +
        "got '3 fortnights'",
    ],
    [
      'an option of the wrong size',
      'name: a\nforwarders: [{ use: copy, buffer: huge }]\n',
      'my.yaml:2: forwarders[0].buffer: expected a size such as 64KiB, 1MiB or 1500, ' +
        "got 'huge'",
    ],
    [
      'a missing option',
      'name: a\nforwarders:\n  - use: haproxy\n',
      "my.yaml:3: missing key 'forwarders[0].splice'",
    ],
    [
      'a wrong option value',
      'name: a\nforwarders:\n  - { use: haproxy, splice: responce }\n',
      "my.yaml:3: forwarders[0].splice: got 'responce', did you mean 'response'?",
    ],
    ['a missing name', 'forwarders: [copy]\n', "my.yaml:1: missing key 'name'"],
    [
      'no forwarders',
      'name: a\nforwarders: []\n',
      'my.yaml:2: forwarders: expected at least 1 entry, got []',
    ],
    [
      'a text where a mapping belongs',
      `${MINIMAL}workload: fast\n`,
      "my.yaml:3: workload: expected a mapping (key: value), got 'fast'",
    ],
    [
      'a key without a value',
      `${MINIMAL}workload:\n`,
      'my.yaml:3: workload: expected a mapping (key: value), got nothing',
    ],
    [
      'an empty file',
      '',
      'my.yaml:1: the file is empty, expected a scenario (name, forwarders, ...)',
    ],
    [
      'ports that nobody named',
      `${MINIMAL}topology:\n  kind: nic\n`,
      "my.yaml:4: topology: 'nic' needs 'ports': which ports of this machine it takes, e.g. { forwarder: eth1, ends: eth2 }",
    ],
    [
      'contents that cannot be checked',
      `${MINIMAL}workload:\n  connections: 2\n  content: zero\n`,
      "my.yaml:5: workload.content: 'zero' does not say which connection it belongs to, expected 'stamped', connections: 1 or check: none",
    ],
    [
      'contents that do not exist',
      `${MINIMAL}workload: { check: none, content: random }\n`,
      "my.yaml:3: workload.content: expected 'stamped', 'zero', {file: PATH} or {tree: FOLDER}, got 'random'",
    ],
    [
      'blocks the wrong way round',
      `${MINIMAL}blocks: { min: 9, max: 3 }\n`,
      'my.yaml:3: blocks: expected min to be at most max, got 9 and 3',
    ],
    [
      'an unknown baseline',
      `${MINIMAL}baseline: coppy\n`,
      "my.yaml:3: baseline: no forwarder 'coppy' in this scenario, did you mean 'copy'?",
    ],
    [
      'one forwarder twice',
      'name: a\nforwarders:\n  - copy\n  - direct\n  - copy\n',
      "my.yaml:5: forwarder 'copy' is listed twice; give one of them a name",
    ],
    [
      'a sysctl outside the network namespace',
      `${MINIMAL}topology:\n  sysctls:\n    kernel.panic: 1\n`,
      'my.yaml:5: topology.sysctls.kernel.panic: expected a sysctl under net., which a network ' +
        "namespace has of its own, got 'kernel.panic'",
    ],
    [
      'CPUs that are none',
      `${MINIMAL}pin:\n  source: 0\n  forwarder: a\n  sink: 1\n`,
      "my.yaml:5: pin.forwarder: expected CPU numbers such as 1, [0, 1] or 0-2,5, got 'a'",
    ],
    [
      'an unknown metric in a threshold',
      `${MINIMAL}thresholds:\n  - incidents == 0\n  - splice.ratio.godput >= 1.5\n`,
      "my.yaml:5: threshold 'splice.ratio.godput >= 1.5': unknown metric 'godput', " +
        "did you mean 'goodput'?",
    ],
    [
      'an unknown forwarder in a threshold',
      `${MINIMAL}thresholds: ['splcie.goodput >= 1']\n`,
      "my.yaml:3: threshold 'splcie.goodput >= 1': unknown forwarder 'splcie', " +
        "did you mean 'splice'?",
    ],
    [
      'a tab in YAML',
      'name: a\nforwarders:\n\t- copy\n',
      'my.yaml:3: Tabs are not allowed as indentation',
    ],
    ['a key twice', `${MINIMAL}name: again\n`, 'my.yaml:3: Map keys must be unique'],
  ];
  for (const [what, text, ...expected] of cases) {
    it(`is told: ${what}`, () => {
      assert.deepEqual(complaints(text), expected);
    });
  }

  it('lists all problems, one per line, in the order of the file', () => {
    assert.deepEqual(complaints(`nam: a\nworkload: { check: ful }\nforwarders: [copy]\n`), [
      "my.yaml:1: missing key 'name'",
      "my.yaml:1: unknown key 'nam', did you mean 'name'?",
      "my.yaml:2: workload.check: got 'ful', did you mean 'full'?",
    ]);
  });

  it('names the line of a value behind an alias', () => {
    const text = `${MINIMAL}workload:\n  seconds: &s 1\n  warmup: *s\n  stall: soon\n`;
    assert.match(complaints(text)[0] ?? '', /^my\.yaml:6: workload\.stall: /);
    const shared = 'name: a\nforwarders:\n  - &entry\n    use: splice\n    pip: 1\n  - *entry\n';
    assert.deepEqual(complaints(shared), [
      "my.yaml:5: unknown key 'pip', did you mean 'pipe'?",
      "my.yaml:6: forwarder 'splice' is listed twice; give one of them a name",
    ]);
  });

  it('does not expand a billion laughs', () => {
    const lines = ['a: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++) {
      lines.push(
        `b${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    }
    assert.match(complaints(lines.join('\n')).join('\n'), /my\.yaml:1: .*alias/i);
  });

  it('is a usage error, exit code 2', () => {
    assert.throws(() => scenarioOf('name: [}'), UsageError);
  });
});

describe('include', () => {
  const files = {
    'a.yaml': 'name: a\ninclude: [./sub/b.yaml, ./c.yaml]\n',
    'c.yaml': 'name: c\nforwarders: [direct]\ninclude: [./sub/b.yaml]\n',
    'circle.yaml': 'name: circle\ninclude: [./circle.yaml]\n',
    'empty.yaml': 'name: empty\ninclude: []\n',
    'wrong.yaml': 'name: wrong\ninclude: [./c.yaml]\nblocks: { min: 1 }\n',
  };

  async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'scenario-'));
    try {
      await mkdir(join(folder, 'sub'));
      await writeFile(join(folder, 'sub', 'b.yaml'), 'name: b\nforwarders: [copy]\n');
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      await test(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  it('loads each file once, paths meant from the file that has them', async () => {
    await inFolder(async (folder) => {
      const scenarios = await loadScenarios([join(folder, 'a.yaml')], kinds);
      assert.deepEqual(
        scenarios.map(({ name }) => name),
        ['b', 'c'],
      );
      const own = await loadScenarios([join(folder, 'c.yaml')], kinds);
      assert.deepEqual(
        own.map(({ name }) => name),
        ['c', 'b'],
      );
    });
  });

  it('refuses circles, nothing to include, and keys without forwarders', async () => {
    await inFolder(async (folder) => {
      const complaint = async (name: string) => {
        try {
          await loadScenarios([join(folder, name)], kinds);
        } catch (error) {
          return error instanceof Error ? error.message : '';
        }
        return '(no error)';
      };
      assert.match(await complaint('circle.yaml'), /include forms a loop/);
      assert.match(await complaint('empty.yaml'), /include: expected at least 1 entry/);
      assert.match(await complaint('wrong.yaml'), /wrong.yaml:3: unknown key 'blocks'/);
    });
  });
});

describe('loading by name', () => {
  it('finds the scenarios of the package', async () => {
    assert.ok((await listScenarios()).includes('loopback'));
    const scenario = await loadScenario('loopback', kinds);
    assert.deepEqual(
      scenario.cells.map(({ key }) => key),
      [
        'loopback/check=none,payload=prepared',
        'loopback/check=none,payload=copied',
        'loopback/check=full',
      ],
    );
    assert.equal(scenario.baseline, 'copy');
  });

  it('names the nearest when there is none', async () => {
    await assert.rejects(loadScenario('lopback', kinds), {
      message: "no scenario 'lopback', did you mean 'loopback'?",
    });
  });

  it('says when a file cannot be read', async () => {
    await assert.rejects(loadScenario('./absent.yaml', kinds), {
      name: 'UsageError',
      message: './absent.yaml: cannot be read: no such file',
    });
    await assert.rejects(loadScenario('./', kinds), {
      message: './: cannot be read: it is a directory',
    });
  });

  it('reports all files at once, and refuses two scenarios of one name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'scenario-'));
    try {
      const [one, two] = [join(folder, 'one.yaml'), join(folder, 'two.yaml')];
      await writeFile(one, MINIMAL);
      await writeFile(two, 'name: b\n');
      await assert.rejects(loadScenarios([one, one, two], kinds), {
        message:
          `${two}:1: missing key 'forwarders'\n` +
          `scenario 'small' is given twice; names must differ`,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
