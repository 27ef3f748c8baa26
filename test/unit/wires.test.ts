import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allOn, type Host, localHost, type TrialHosts } from '../../src/machine/host/host.js';
import type { CarryingInterface, HostIdentity } from '../../src/machine/host/identity.js';
import { congestionOf, isEmulated, slowestLink } from '../../src/machine/topology/common/wires.js';

/** A host of the user's with one interface. */
function on(machine: string, device: boolean, more: Partial<Host> & { network?: string } = {}) {
  const { network = `${machine} its own`, ...rest } = more;
  const eth0: CarryingInterface = { name: 'eth0', device, speed: null };
  const identity = { machine, network, interfaces: { x: eth0 } } as unknown as HostIdentity;
  return { ...localHost(), ...rest, identity };
}

function three(upstream: Host, forwarder: Host, downstream: Host): TrialHosts {
  return { upstream, forwarder, downstream };
}

/** A further network namespace of a machine. */
function beside(machine: string, device: boolean, more: Partial<Host> = {}): Host {
  return on(machine, device, { ...more, network: `${machine} another` });
}

describe('a trial is emulated', () => {
  const emulated = (...parts: Parameters<typeof three>) => isEmulated(three(...parts), false);

  it('where parts that talk share a machine without a network card between them', () => {
    assert.equal(emulated(on('a', true), on('b', true), on('c', true)), false);
    assert.equal(emulated(on('a', true), beside('a', true), on('c', true)), false);
    // A bond or a VLAN has no device of its own; what is on another machine is over a wire.
    assert.equal(emulated(on('a', false), on('b', false), on('c', false)), false);
    assert.equal(emulated(on('a', false), beside('a', false), on('c', true)), true);
    assert.equal(emulated(on('a', true), beside('a', false), on('c', true)), true);
  });

  it('where they share a network namespace: cards or not, they talk over its loopback', () => {
    assert.equal(emulated(on('a', true), on('a', true), on('c', true)), true);
    assert.equal(emulated(on('a', true), on('b', true), on('b', true)), true);
  });

  it('never because source and sink share a machine, except with direct', () => {
    const ends = three(on('a', true), on('b', true), on('a', true));
    assert.equal(isEmulated(ends, false), false);
    assert.equal(isEmulated(ends, true), true);
    assert.equal(isEmulated(three(on('a', true), on('a', true), on('c', true)), true), false);
  });

  it('where one of several pairs is', () => {
    const two = {
      ...three(on('a', true), on('b', true), on('c', true)),
      beside: [{ upstream: on('d', true), downstream: on('b', true) }],
    };
    assert.equal(isEmulated(two, false), true);
  });

  it('where no device is behind a port', () => {
    const at = (devices: Record<string, string>) => ({
      ...localHost(),
      interfaces: ['eth1'],
      devices,
    });
    const hosts = (devices: Record<string, string>) =>
      three(at({ eth1: '/sys/devices/a' }), at(devices), at({ eth1: '/sys/devices/b' }));
    assert.equal(isEmulated(hosts({}), false), true);
    assert.equal(isEmulated(hosts({ eth1: '/sys/devices/c' }), false), false);
  });
});

describe('the slowest link', () => {
  const speeds = (...bits: number[]) => ({
    linkSpeeds: Object.fromEntries(bits.map((speed, k) => [`eth${k}`, speed])),
  });

  it('is that of the slowest card that says one, at whichever part', () => {
    const forwarder = on('b', true, speeds(25e9, 10e9));
    assert.equal(slowestLink(three(on('a', true), forwarder, on('c', true)), false), 10e9);
    const slow = three(on('a', true), forwarder, on('c', true, speeds(1e9)));
    assert.equal(slowestLink(slow, false), 1e9);
  });

  it('is that of the ends alone with direct', () => {
    const [source, sink] = [on('a', true, speeds(25e9)), on('c', true, speeds(40e9))];
    assert.equal(slowestLink(three(source, on('b', true, speeds(10e9)), sink), true), 25e9);
  });

  it('is not known where no card says one', () => {
    assert.equal(slowestLink(three(on('a', true), on('b', true), on('c', true)), false), null);
    assert.equal(slowestLink(allOn(localHost()), false), null);
  });

  it('is none of a card beside parts that all share one network', () => {
    const part = () => on('a', true, speeds(1e9));
    assert.equal(slowestLink(three(part(), part(), part()), false), null);
  });
});

describe('congestion control', () => {
  it("is the scenario's in networks of the run's own, and that of each host elsewhere", () => {
    const by = (machine: string, congestion: string | null) => {
      const host = on(machine, true);
      return { ...host, identity: { ...host.identity, congestion } };
    };
    const hosts = three(by('a', 'bbr'), by('b', 'cubic'), by('c', null));
    assert.deepEqual(congestionOf(hosts, null), ['bbr', 'cubic']);
    assert.deepEqual(congestionOf(allOn({ ...localHost(), isolated: true }), 'reno'), ['reno']);
    assert.deepEqual(congestionOf(allOn(localHost()), 'cubic'), []);
  });
});
