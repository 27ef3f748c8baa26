import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { localHost } from '../../src/machine/host/host.js';
import { captureInterfaces, interfaceOf } from '../../src/machine/host/interface-environment.js';
import { fakeFiles } from '../support/fake-files.js';

const PRINTED = [
  '2: eth9: <UP> mtu 9000 qdisc mq state UP',
  'driver: ixgbe\nversion: 6.1\nfirmware-version: 0x8000\nbus-info: 0000:01:00.0',
  'Settings for eth9:\n\tSpeed: 10000Mb/s\n\tDuplex: Full',
  'Ring parameters for eth9:\nPre-set maximums:\nRX:\t\t8192\nRX Mini:\tn/a\nTX:\t\t4096\nCurrent hardware settings:\nRX:\t\t4096\nTX:\t\t512',
  'Coalesce parameters for eth9:\nrx-usecs:\t1',
  'Pause parameters for eth9:\nAutonegotiate:\toff\nRX:\t\ton',
  'Channel parameters for eth9:\nPre-set maximums:\nCombined:\t63\nCurrent hardware settings:\nCombined:\t8',
  'Features for eth9:\ntcp-segmentation-offload: on\n\ttx-tcp-segmentation: on\ngeneric-receive-offload: off',
  'NIC statistics:\n     rx_queue_0_packets: 12\n     rx_dropped: 0',
];

const DEVICE = '/sys/bus/pci/devices/0000:01:00.0';
const CARD = fakeFiles({
  [`${DEVICE}/numa_node`]: '1',
  [`${DEVICE}/local_cpulist`]: '8-15',
  [`${DEVICE}/msi_irqs/100`]: 'msix',
  [`${DEVICE}/msi_irqs/99`]: 'msix',
  '/proc/irq/99/smp_affinity_list': '8-15',
  '/proc/irq/99/effective_affinity_list': '9',
  '/proc/irq/100/smp_affinity_list': '10',
  // Of the namespace that sysfs was mounted in: this one's, or another's with an interface of the name.
  '/sys/class/net/eth9/address': '02:00:00:00:00:09',
  '/sys/class/net/eth9/device/numa_node': '7',
});

describe('an interface as it is captured', () => {
  it('has what ethtool printed, and what sysfs has of its device', () => {
    assert.deepEqual(interfaceOf('forwarder', 'eth9', PRINTED, CARD), {
      host: 'forwarder',
      name: 'eth9',
      mtu: 9000,
      driver: 'ixgbe',
      firmware: '0x8000',
      speed: '10000Mb/s',
      numa_node: '1',
      irq_affinity: '8-15',
      interrupts: {
        99: { allowed: '8-15', effective: '9' },
        100: { allowed: '10', effective: null },
      },
      offloads: { 'tx-tcp-segmentation': 'on', 'generic-receive-offload': 'off' },
      rings: { RX: '4096', TX: '512' },
      rings_maximum: { RX: '8192', 'RX Mini': 'n/a', TX: '4096' },
      coalescing: { 'rx-usecs': '1' },
      pause: { Autonegotiate: 'off', RX: 'on' },
      queues: { Combined: '8' },
      queues_maximum: { Combined: '63' },
      counters: { rx_queue_0_packets: '12', rx_dropped: '0' },
      unavailable: {},
    });
  });

  it('has null where nothing was printed, and why', () => {
    const found = interfaceOf(
      'h',
      'x',
      ['', 'driver: veth\nbus-info: ', '', '\u0002netlink error: Operation not supported\n'],
      CARD,
    );
    const { mtu, driver, numa_node, interrupts, rings, counters, unavailable } = found;
    assert.deepEqual(
      [mtu, driver, numa_node, interrupts, rings, counters],
      [null, 'veth', null, null, null, null],
    );
    assert.equal(unavailable?.['mtu'], "'ip link show dev x' does not say");
    assert.equal(unavailable['rings'], 'ethtool -g x: netlink error: Operation not supported');
    assert.equal(unavailable['counters'], 'ethtool -S x: it does not say');
    assert.equal(unavailable['speed'], 'ethtool x: it does not say');
    assert.equal(unavailable['interrupts'], 'no device is behind it');
    const lacking = Object.entries(found).filter(([, value]) => value === null);
    assert.deepEqual(Object.keys(unavailable).sort(), lacking.map(([key]) => key).sort());
  });

  it('looks by name where ethtool is not there to tell the place on the bus', () => {
    const at = (address: string) => {
      const link = `2: eth9: <UP> mtu 1500\\    link/ether ${address} brd ff:ff:ff:ff:ff:ff`;
      return interfaceOf('h', 'eth9', [link, '\u0002sh: 1: ethtool: not found\n'], CARD);
    };
    const { numa_node, driver, unavailable } = at('02:00:00:00:00:09');
    assert.deepEqual([numa_node, driver], ['7', null]);
    assert.equal(unavailable?.['driver'], 'ethtool -i eth9: sh: 1: ethtool: not found');
    // An interface of another namespace has the name.
    assert.equal(at('02:00:00:00:00:0a').numa_node, null);
  });

  it('is read from a real interface, failures apart from facts', async () => {
    const [lo] = await captureInterfaces({ ...localHost(), interfaces: ['lo'] });
    assert.ok(lo);
    assert.ok((lo.mtu ?? 0) > 0);
    assert.equal(lo.interrupts, null);
    assert.match(lo.unavailable?.['rings'] ?? '', /^ethtool -g lo: \S/);
  });
});
