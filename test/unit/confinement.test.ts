import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { localHost } from '../../src/machine/host/host.js';
import { confinedHost } from '../../src/machine/topology/common/confinement.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { lackingForCell, unavailableIn } from '../../src/experiment/trial/availability.js';

describe('a confined forwarder', () => {
  it('starts as any other where nothing is asked', async () => {
    const confined = await confinedHost(localHost(), { unprivileged: false, memory: null });
    assert.deepEqual(confined.host.prefix, []);
    assert.deepEqual(confined.detail(), {});
    await confined.close();
  });

  it('has its capabilities taken away last, inside the namespace', async () => {
    const root = process.getuid?.() === 0;
    const inside = { ...localHost(), prefix: ['nsenter', '--'] };
    const { host } = await confinedHost(inside, { unprivileged: true, memory: null });
    assert.deepEqual(host.prefix.slice(0, 2), ['nsenter', '--']);
    // Who is not root has none of them.
    assert.equal(host.prefix.length, root ? 5 : 2);
  });

  it('is one of this machine, as is a packed folder', () => {
    const text = (workload: string) => `{name: t, workload: ${workload}, forwarders: [copy]}`;
    const lacking = (workload: string, there: boolean) => {
      const [cell] = parseScenario(text(workload), 't.yaml', forwarderKinds).cells;
      assert.ok(cell);
      const topology = { kind: 'hosts' } as typeof cell.topology;
      return lackingForCell(there ? { ...cell, topology } : cell);
    };
    assert.match(lacking('{unprivileged: true}', true) ?? '', /of this machine, not of hosts/);
    assert.match(lacking('{memory: 1MiB}', true) ?? '', /of this machine, not of hosts/);
    assert.match(lacking('{content: {tree: src}}', true) ?? '', /packed on this machine/);
    assert.equal(lacking('{content: {tree: src}}', false), null);
    assert.equal(lacking('{}', true), null);
  });

  it('is no program: those are started with the privilege', async () => {
    const text =
      '{name: t, workload: {unprivileged: true}, forwarders: [copy, {use: command, argv: [x]}]}';
    const scenario = parseScenario(text, 't.yaml', forwarderKinds);
    const left = await unavailableIn(scenario, forwarderKinds);
    assert.deepEqual(
      left.map(({ forwarder }) => forwarder),
      ['command'],
    );
    assert.match(left[0]?.reason ?? '', /privilege/);
  });
});
