import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { placeKey } from '../../src/experiment/trial/made-hosts.js';
import { conditionTitle } from '../../src/experiment/verdict/condition.js';
import { localHost } from '../../src/machine/host/host.js';
import { cpuMask, cpusOfMask, steerReceiving } from '../../src/machine/host/receive-steering.js';
import { notSteered, reasonOf, steerInto } from '../../src/machine/topology/common/receiving.js';
import { topologyText } from '../../src/machine/topology/common/topology-text.js';
import { scratch } from '../support/folder.js';
import { messageOf, MINIMAL, scenarioOf } from './scenario-fixtures.js';

/** What stands for sysfs, with an interface of two receive queues. */
function fakeSysfs(t: TestContext): { sysfs: string; file: (queue: string) => string } {
  const sysfs = scratch(t);
  const queues = join(sysfs, 'class', 'net', 'to-upstream', 'queues');
  const file = (queue: string) => join(queues, queue, 'rps_cpus');
  for (const queue of ['rx-0', 'rx-1', 'tx-0']) {
    mkdirSync(join(queues, queue), { recursive: true });
    writeFileSync(file(queue), '0\n');
  }
  return { sysfs, file };
}

describe('masks of CPUs', () => {
  for (const [cpus, mask] of [
    [[0], '1'],
    [[1], '2'],
    [[0, 3], '9'],
    [[31], '80000000'],
    [[33], '2,00000000'],
    [[1, 64], '1,00000000,00000002'],
  ] as const) {
    it(`of ${cpus.join(' and ')} are ${mask}`, () => {
      assert.equal(cpuMask(cpus), mask);
      assert.deepEqual(cpusOfMask(`${mask}\n`), cpus);
    });
  }

  it('that the kernel pads, or that are empty, are read', () => {
    assert.deepEqual(cpusOfMask('00000000,00000002\n'), [1]);
    assert.deepEqual(cpusOfMask('0\n'), []);
    assert.throws(() => cpusOfMask(''), /expected a mask of CPUs, got ''/);
  });
});

describe('receive packet steering', () => {
  it('is written to every receive queue, and read back', (t) => {
    const { sysfs, file } = fakeSysfs(t);
    const found = steerReceiving('to-upstream', [1], sysfs);
    assert.deepEqual(found, { 'rx-0': [1], 'rx-1': [1] });
    assert.equal(notSteered('to-upstream', [1], found), null);
    assert.equal(readFileSync(file('rx-1'), 'utf8'), '2');
    assert.equal(readFileSync(file('tx-0'), 'utf8'), '0\n');
  });

  it('that did not take effect is named, with what is in force', (t) => {
    const { sysfs, file } = fakeSysfs(t);
    rmSync(file('rx-1'));
    symlinkSync('/dev/null', file('rx-1'));
    assert.throws(() => steerReceiving('to-upstream', [1], sysfs), /expected a mask of CPUs/);
    assert.equal(
      notSteered('to-upstream', [1], { 'rx-0': [1], 'rx-1': [] }),
      'to-upstream was to receive on CPU 1, but its queue rx-1 has none',
    );
    assert.equal(
      notSteered('lo', [1, 2], { 'rx-0': [1] }),
      'lo was to receive on CPUs 1 and 2, but its queue rx-0 has CPU 1',
    );
    assert.match(notSteered('lo', [1], {}) ?? '', /has no queue/);
  });

  it('that the kernel refuses says why', () => {
    assert.match(reasonOf('EPERM: operation not permitted, write', [1]), /nobody but root/);
    assert.match(reasonOf('EOVERFLOW: value too large', [7]), /no packets to CPU 7 of this host/);
    assert.equal(reasonOf('gone', [1]), 'gone');
  });

  it("never touches the host's own interfaces", async () => {
    await assert.rejects(steerInto(localHost(), 'receive: 1', ['lo'], [1]), {
      name: 'TopologyUnavailable',
      message: 'receive: 1 is for a namespace of its own',
    });
  });
});

describe('topology.receive', () => {
  const cellsOf = (text: string) => scenarioOf(MINIMAL + text).cells;

  it('is absent unless it is asked for', () => {
    for (const kind of ['loopback', 'veth']) {
      for (const receive of ['', ', receive: null']) {
        const [cell] = cellsOf(`topology: { kind: ${kind}${receive} }\n`);
        assert.ok(cell && !('receive' in cell.topology));
        assert.equal(cell.key, 'small');
      }
    }
  });

  it('is part of the condition: its key, its title and its words', () => {
    const [veth] = cellsOf('topology: { kind: veth, receive: forwarder }\n');
    assert.equal(veth?.key, 'small/receive=forwarder');
    assert.match(topologyText(veth.topology), /, receiving on the forwarder's CPUs$/);
    const told = { cell: veth.key, scenario: 'small', topology: 'veth', check: 'full' } as const;
    const title = { ...told, direction: 'download', connections: 1, message_bytes: null } as const;
    assert.match(conditionTitle(title), /, receive=forwarder$/);
    const without = { ...title, cell: 'small/receive=null' };
    assert.match(conditionTitle(without), /, receiving as the kernel does it$/);
    const [loopback] = cellsOf('topology: { receive: 0 }\n');
    assert.equal(loopback?.key, 'small/receive=0');
    assert.equal(topologyText(loopback.topology), 'loopback, everybody receives on CPU 0');
  });

  it('can be varied', () => {
    const cells = cellsOf(
      'topology: { kind: veth }\nmatrix: { topology.receive: [null, forwarder] }\n',
    );
    assert.deepEqual(
      cells.map(({ key, topology }) => [key, 'receive' in topology]),
      [
        ['small/receive=null', false],
        ['small/receive=forwarder', true],
      ],
    );
  });

  it("has hosts of its own for every choice of the forwarder's CPUs, and only there", () => {
    const pins = [1, 0].map((cpu) => ({ source: [0], forwarder: [cpu], sink: [0] }));
    const keys = (text: string) => {
      const [cell] = cellsOf(text);
      assert.ok(cell);
      return new Set(pins.map((pin) => placeKey({ topology: cell.topology, pin })));
    };
    assert.equal(keys('topology: { kind: veth, receive: forwarder }\n').size, 2);
    assert.equal(keys('topology: { kind: veth }\n').size, 1);
    assert.equal(keys('topology: { receive: 1 }\n').size, 1);
  });

  for (const [what, text, message] of [
    [
      "the forwarder's on loopback",
      'topology: { receive: forwarder }\n',
      /topology\.receive: loopback has one queue for all, .* say the CPU, or take topology veth/,
    ],
    [
      'the same in the matrix',
      'matrix: { topology.receive: [0, forwarder] }\n',
      /topology\.receive: loopback has one queue for all/,
    ],
    [
      'a CPU on veth',
      'topology: { kind: veth, receive: 1 }\n',
      /topology\.receive: topology 'veth' takes 'forwarder' or null, got 1/,
    ],
    [
      'any other word',
      'topology: { kind: veth, receive: sink }\n',
      /expected 'forwarder' \(topology veth\) or the number of a CPU/,
    ],
    [
      'the key where the run has no queues of its own',
      'topology: { kind: nic, ports: { forwarder: a, ends: b }, receive: 1 }\n',
      /topology 'nic' has no 'receive', only 'loopback' and 'veth' have/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.match(
        messageOf(() => scenarioOf(MINIMAL + text)),
        message,
      );
    });
  }
});
