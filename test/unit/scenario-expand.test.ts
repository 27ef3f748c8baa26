import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors/errors.js';
import { only, parseOnly, quick, withBlocks } from '../../src/experiment/scenario/adjust.js';
import { messageOf, MINIMAL, scenarioOf, streamOf } from './scenario-fixtures.js';

/** Labels of the forwarders of a scenario with this list. */
function labels(forwarders: string): string[] {
  return scenarioOf(`name: a\nforwarders: ${forwarders}\n`).forwarders.map(({ label }) => label);
}

/** Cell keys of a scenario with this matrix. */
function cellKeys(matrix: string): string[] {
  return scenarioOf(`${MINIMAL}matrix: ${matrix}\n`).cells.map(({ key }) => key);
}

describe('a matrix', () => {
  it('multiplies out, the last key fastest', () => {
    const scenario = scenarioOf(
      `${MINIMAL}matrix: { workload.check: [none, full], workload.message: [64KiB, 1500] }\n`,
    );
    assert.deepEqual(
      scenario.cells.map((cell) => [cell.key, cell.workload.check, streamOf(cell).message]),
      [
        ['small/check=none,message=64KiB', 'none', 65_536],
        ['small/check=none,message=1500', 'none', 1500],
        ['small/check=full,message=64KiB', 'full', 65_536],
        ['small/check=full,message=1500', 'full', 1500],
      ],
    );
  });

  it('has the bytes that are compared once, whatever the payload of the others', () => {
    assert.deepEqual(
      cellKeys(
        '{ workload.payload: [prepared, copied], workload.check: [none, full], workload.connections: [1, 2] }',
      ),
      [
        'small/payload=prepared,check=none,connections=1',
        'small/payload=prepared,check=none,connections=2',
        'small/check=full,connections=1',
        'small/check=full,connections=2',
        'small/payload=copied,check=none,connections=1',
        'small/payload=copied,check=none,connections=2',
      ],
    );
  });

  it('varies the topology and its sysctls, keeping the other sysctls', () => {
    const scenario = scenarioOf(
      `${MINIMAL}topology: { sysctls: { net.core.somaxconn: 64 } }
matrix: { topology.congestion: [cubic, bbr], topology.sysctls.net.ipv4.tcp_sack: [0, 1] }
`,
    );
    const last = scenario.cells.at(-1) ?? assert.fail();
    assert.equal(last.key, 'small/congestion=bbr,net.ipv4.tcp_sack=1');
    assert.equal(last.topology.congestion, 'bbr');
    assert.deepEqual(last.topology.sysctls, {
      'net.core.somaxconn': '64',
      'net.ipv4.tcp_sack': '1',
    });
  });

  it('varies files', () => {
    const keys = cellKeys('{ workload.check: [none], workload.content: [zero, { file: a.bin }] }');
    assert.deepEqual(keys, [
      'small/check=none,content=zero',
      'small/check=none,content=file:a.bin',
    ]);
  });

  const bad: [matrix: string, expected: string][] = [
    [
      '{ workload.chekc: [none] }',
      "unknown key 'workload.chekc' in matrix, did you mean 'workload.check'?",
    ],
    ['{ workload.kind: [stream] }', "unknown key 'workload.kind' in matrix"],
    ['{ topology.sysctls: [{}] }', "unknown key 'topology.sysctls' in matrix"],
    ['{ workload.check.deep: [none] }', "unknown key 'workload.check.deep' in matrix"],
    ['{ blocks.min: [1] }', "unknown key 'blocks.min' in matrix"],
    ['{ workload.check: [none, ful] }', "matrix workload.check: got 'ful', did you mean 'full'?"],
    ['{ workload.message: [64Q] }', 'matrix workload.message: expected a size such as 64KiB'],
    ['{ workload.check: [none, none] }', "matrix workload.check: 'none' is listed twice"],
    ['{ workload.check: none }', "matrix.workload.check: expected a list, got 'none'"],
    ['{ workload.check: [] }', 'matrix.workload.check: expected at least 1 entry, got []'],
    [
      '{ workload.content: [zero], workload.connections: [2] }',
      "workload.content: 'zero' does not say which connection",
    ],
    [
      '{ topology.sysctls.kernel.panic: [1] }',
      'matrix topology.sysctls.kernel.panic: expected a sysctl under net.',
    ],
  ];
  for (const [matrix, expected] of bad) {
    it(`is refused: ${matrix}`, () => {
      const message = messageOf(() => cellKeys(matrix));
      assert.ok(message.startsWith(`my.yaml:3: ${expected}`), message);
    });
  }

  it('is refused when it multiplies out to thousands', () => {
    const values = Array.from({ length: 40 }, (_, index) => index + 1).join(', ');
    const matrix = `{ workload.connections: [${values}], workload.message: [${values}] }`;
    assert.match(
      messageOf(() => cellKeys(matrix)),
      /^my\.yaml:3: matrix: multiplies out to more/,
    );
  });
});

describe('labels of forwarders', () => {
  it('are the mechanism when that is unique, else with the options that differ', () => {
    assert.deepEqual(labels('[direct, { use: splice, pipe: 1MiB }]'), ['direct', 'splice']);
    assert.deepEqual(
      labels('[splice, { use: splice, pipe: 64KiB }, { use: splice, pipe: 1MiB }, copy]'),
      ['splice', 'splice(pipe=64KiB)', 'splice(pipe=1MiB)', 'copy'],
    );
    assert.deepEqual(labels('[splice, { use: splice, pipe: 64KiB, name: small pipe }]'), [
      'splice',
      'small pipe',
    ]);
  });

  it('never hold what CSV or --only could not carry', () => {
    const [first, second] = labels(
      '[{ use: command, argv: ["a,b", "c\\"d"] }, { use: command, argv: [e] }]',
    );
    assert.equal(first, 'command(argv=a b c d)');
    assert.equal(second, 'command(argv=e)');
    for (const name of ['"a,b"', '" a"', '"a\\nb"', '""', '7', '"a<b"']) {
      const message = messageOf(() => labels(`[{ use: copy, name: ${name} }]`));
      assert.match(message, /forwarders\[0\]\.name: expected a name/, name);
    }
  });

  it('are refused when a name repeats another label', () => {
    const message = messageOf(() => labels('[copy, { use: splice, name: copy }]'));
    assert.equal(message, "my.yaml:2: forwarder 'copy' is listed twice; give one of them a name");
  });
});

describe('the baseline', () => {
  const of = (forwarders: string, baseline = '') =>
    scenarioOf(`name: a\nforwarders: ${forwarders}\n${baseline}`).baseline;

  it('is copy, else the first that is not direct, else the first', () => {
    assert.equal(of('[direct, splice, copy]'), 'copy');
    assert.equal(of('[direct, { use: copy, name: plain }]'), 'plain');
    assert.equal(of('[direct, splice, poc]'), 'splice');
    assert.equal(of('[direct]'), 'direct');
  });

  it('can be given as a label or a mechanism', () => {
    assert.equal(of('[{ use: splice, name: best }, copy]', 'baseline: best\n'), 'best');
    assert.equal(of('[{ use: splice, name: best }, copy]', 'baseline: splice\n'), 'best');
  });
});

describe('--quick', () => {
  it('runs two short blocks and says what they are not good for', () => {
    const { scenario, notes } = quick(scenarioOf(`${MINIMAL}blocks: { budget: 150s }\n`));
    assert.deepEqual(scenario.blocks, {
      min: 2,
      max: 2,
      target: 0.03,
      equivalent: 0.03,
      budget: null,
    });
    assert.equal(scenario.cells[0]?.workload.seconds, 0.3);
    assert.equal(scenario.cells[0].workload.warmup, 0.1);
    assert.match(notes.join(), /no 95 % interval/);
  });

  it('cuts a fixed amount, and never lengthens anything', () => {
    const text = `${MINIMAL}workload: { bytes: 512MiB, warmup: 0, seconds: 100ms }\n`;
    const [cell] = quick(scenarioOf(text)).scenario.cells;
    const workload = streamOf(cell);
    assert.equal(workload.bytes, 64 * 2 ** 20);
    assert.equal(workload.warmup, 0);
    assert.equal(workload.seconds, 0.1);
  });
});

describe('--blocks', () => {
  it('fixes the number of blocks', () => {
    const { scenario, notes } = withBlocks(scenarioOf(`${MINIMAL}blocks: { budget: 9s }\n`), 7);
    assert.deepEqual(scenario.blocks, {
      min: 7,
      max: 7,
      target: 0.03,
      equivalent: 0.03,
      budget: null,
    });
    assert.deepEqual(notes, []);
    assert.match(withBlocks(scenarioOf(MINIMAL), 5).notes.join(), /fewer than 6/);
    for (const bad of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => withBlocks(scenarioOf(MINIMAL), bad), UsageError);
    }
  });
});

describe('--only', () => {
  const scenario = scenarioOf(`name: a
forwarders: [direct, splice, { use: splice, pipe: 64KiB }, copy]
thresholds: ["direct.goodput >= 1", "splice.goodput >= 1", "incidents == 0"]
`);

  it('keeps what is named by label or mechanism, and the baseline', () => {
    const kept = (names: string) =>
      only(scenario, parseOnly(names)).scenario.forwarders.map(({ label }) => label);
    assert.deepEqual(kept('direct'), ['direct', 'copy']);
    assert.deepEqual(kept('splice'), ['splice', 'splice(pipe=64KiB)', 'copy']);
    assert.deepEqual(kept('splice(pipe=64KiB),direct'), ['direct', 'splice(pipe=64KiB)', 'copy']);
    assert.deepEqual(kept('copy'), ['copy']);
  });

  it('leaves out the thresholds of what it leaves out, and says so', () => {
    const { scenario: adjusted, notes } = only(scenario, ['splice']);
    assert.deepEqual(
      adjusted.thresholds.map(({ text }) => text),
      ['splice.goodput >= 1', 'incidents == 0'],
    );
    assert.deepEqual(notes, [
      "--only: the baseline 'copy' runs too, since ratios need it",
      "--only: threshold 'direct.goodput >= 1' is left out with its forwarder",
    ]);
  });

  it('refuses what is not there', () => {
    assert.throws(() => only(scenario, ['splcie', 'direct']), {
      name: 'UsageError',
      message: "--only: no forwarder 'splcie' in scenario 'a', did you mean 'splice'?",
    });
    assert.throws(() => only(scenario, parseOnly(' , ')), UsageError);
  });

  it('splits at commas outside parentheses', () => {
    assert.deepEqual(parseOnly('a, b(c=1,d=2) ,e'), ['a', 'b(c=1,d=2)', 'e']);
  });
});
