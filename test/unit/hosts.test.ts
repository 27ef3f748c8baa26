import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { commandOn, type Host, localHost } from '../../src/machine/host/host.js';
import { carrying, identify } from '../../src/machine/host/identity.js';
import { joinsWords, sshPrefix } from '../../src/machine/topology/hosts/host-launch.js';
import { connectFault, partsOf } from '../../src/machine/topology/hosts/remote-hosts.js';
import { reachText } from '../../src/data/record/hosts-plan.js';
import { shareOf } from '../../src/data/record/pairs.js';
import type { HostSpec } from '../../src/data/record/plan.js';
import { topologyText } from '../../src/machine/topology/common/topology-text.js';
import { fakeFiles } from '../support/fake-files.js';
import { messageOf, MINIMAL, scenarioOf } from './scenario-fixtures.js';

const HOSTS = `topology:
  kind: hosts
  source: { ssh: a, address: 10.0.0.1 }
  forwarder: { ssh: root@b, options: [-p, '22'], address: 10.0.1.2, upstream-address: 10.0.0.2 }
  sink: { local: true, address: 10.0.1.3, splicebench: [/opt/splicebench] }
`;

/** So many sources and sinks, each a host of its own. */
function pairs(sources: number, sinks: number, connections: number): string {
  const list = (name: string, count: number) =>
    Array.from(
      { length: count },
      (_, k) => `{ ssh: ${name}${k}, address: 10.0.0.${k + 1} }`,
    ).join();
  return `topology:
  kind: hosts
  source: [${list('a', sources)}]
  forwarder: { ssh: f, address: 10.0.1.2 }
  sink: [${list('b', sinks)}]
workload: { connections: ${connections} }
`;
}

describe('several sources and sinks', () => {
  const topologyOf = (text: string) => {
    const topology = scenarioOf(MINIMAL + text).cells[0]?.topology;
    assert.ok(topology?.kind === 'hosts');
    return topology;
  };
  const named = (specs: readonly HostSpec[]) => specs.map(({ reach }) => reachText(reach));

  it('are pairs in the order of the file; a single one takes part in each', () => {
    const two = topologyOf(pairs(2, 2, 4));
    assert.deepEqual(
      [named(two.source), named(two.sink)],
      [
        ['ssh a0', 'ssh a1'],
        ['ssh b0', 'ssh b1'],
      ],
    );
    const one = topologyOf(pairs(1, 3, 3));
    assert.deepEqual(named(one.source), ['ssh a0', 'ssh a0', 'ssh a0']);
    assert.equal(
      topologyText(one),
      'hosts, source ssh a0, forwarder ssh f, sink ssh b0 and ssh b1 and ssh b2',
    );
    assert.deepEqual(
      partsOf(one).map(({ name }) => name),
      ['source', 'forwarder', 'sink', 'sink 2', 'sink 3'],
    );
  });

  it('share what is given in total, and not what each connection has', () => {
    const [cell] = scenarioOf(
      MINIMAL + pairs(2, 2, 4).replace('connections: 4', 'connections: 4, rate: 8Gbps, bytes: 1MB'),
    ).cells;
    assert.ok(cell?.workload.kind === 'stream');
    const { connections, rate, bytes } = shareOf(cell.workload, 2);
    assert.deepEqual([connections, rate, bytes], [2, 4e9, 1e6]);
  });
});

describe('the topology hosts in a scenario', () => {
  it('says where each part is and how it is reached', () => {
    const [topology] = scenarioOf(MINIMAL + HOSTS).cells.map((cell) => cell.topology);
    assert.deepEqual(topology, {
      kind: 'hosts',
      congestion: null,
      sysctls: {},
      source: [
        {
          reach: { by: 'ssh', host: 'a', options: [] },
          address: '10.0.0.1',
          upstream: '10.0.0.1',
          splicebench: null,
        },
      ],
      forwarder: {
        reach: { by: 'ssh', host: 'root@b', options: ['-p', '22'] },
        address: '10.0.1.2',
        upstream: '10.0.0.2',
        splicebench: null,
      },
      sink: [
        {
          reach: { by: 'local' },
          address: '10.0.1.3',
          upstream: '10.0.1.3',
          splicebench: ['/opt/splicebench'],
        },
      ],
    });
    assert.ok(topology);
    assert.equal(topologyText(topology), 'hosts, source ssh a, forwarder ssh root@b, sink local');
  });

  for (const [what, text, message] of [
    ['a part that is nowhere', HOSTS.replace(/ {2}sink.*\n/, ''), /'hosts' needs 'sink'/],
    [
      'two ways',
      HOSTS.replace('local: true', 'local: true, netns: x'),
      /one of .* got netns and local/,
    ],
    [
      'several forwarders',
      HOSTS.replace(/forwarder: (.*)/, 'forwarder: [$1]'),
      /topology\.forwarder: a trial has one forwarder, .*; expected a mapping, got/,
    ],
    [
      'more sources than sinks, and not one for all',
      pairs(3, 2, 6),
      /:\d+: topology\.sink: expected as many sinks as sources, or a single one for all, got 3 sources and 2 sinks/,
    ],
    [
      'connections that the pairs cannot share',
      pairs(2, 2, 3),
      /:\d+: workload\.connections: expected a multiple of 2, .*, got 3/,
    ],
    [
      'requests of several clients',
      pairs(2, 2, 2).replace('workload: {', 'workload: { kind: exchange,'),
      /workload\.kind: 2 sources and sinks carry streams, got 'exchange'/,
    ],
    [
      'an unknown key of one host',
      HOSTS.replace('address: 10.0.0.1', 'adress: 10.0.0.1'),
      /:\d+: unknown key 'adress', did you mean 'address'\?/,
    ],
    [
      'an unknown key of one of several',
      pairs(2, 2, 2).replace('address: 10.0.0.2', 'adress: 10.0.0.2'),
      /:\d+: unknown key 'adress', did you mean 'address'\?/,
    ],
    [
      'one of several without an address',
      pairs(2, 2, 2).replace(', address: 10.0.0.2', ''),
      /missing key 'topology\.source\[1\]\.address'/,
    ],
    [
      'a word',
      HOSTS.replace(/source: .*/, 'source: a'),
      /expected a mapping .* or a list, got 'a'/,
    ],
    ['no source at all', HOSTS.replace(/source: .*/, 'source: []'), /topology\.source: /],
    ['no way', HOSTS.replace('ssh: a, ', ''), /one of ssh, netns, prefix, local .* got none/],
    [
      'a name as an address',
      HOSTS.replace('10.0.0.1', 'bench1'),
      /expected an IPv4 or IPv6 address/,
    ],
    [
      'a host that is an option',
      HOSTS.replace('ssh: a', 'ssh: -oProxyCommand=x'),
      /a host as ssh takes it/,
    ],
    [
      'options without ssh',
      HOSTS.replace('local: true', 'local: true, options: [-v]'),
      /need 'ssh'/,
    ],
    [
      'a setting of the hosts',
      HOSTS.replace('kind: hosts', 'kind: hosts, congestion: bbr').replace(
        /topology:\n {2}kind: hosts, congestion: bbr/,
        'topology:\n  kind: hosts\n  congestion: bbr',
      ),
      /'hosts' has no 'congestion', only 'loopback', 'veth' and 'nic' have/,
    ],
    ['an MTU', `${HOSTS}  mtu: 9000\n`, /'hosts' has no 'mtu', only 'veth' and 'nic' have/],
    [
      'hosts on loopback',
      'topology: { source: { local: true, address: 10.0.0.1 } }\n',
      /'loopback' has no 'source', only 'hosts' has/,
    ],
    [
      'hosts in the matrix',
      `${HOSTS}matrix: { topology.sink: [{ local: true, address: 10.0.0.1 }] }\n`,
      /unknown key 'topology.sink'/,
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

describe('a command on a host', () => {
  it('is quoted where a shell reads it, and nowhere else', () => {
    const words = ['a b', "it's", '$HOME', '*', '', 'plain-1.0/x'];
    const plain: Host = { ...localHost(), prefix: ['nsenter', '--'] };
    assert.deepEqual(commandOn(plain, words), ['nsenter', '--', ...words]);
    const [, , line = ''] = commandOn({ ...plain, shell: true }, ['printf', '%s\\n', ...words]);
    assert.equal(execFileSync('sh', ['-c', line], { encoding: 'utf8' }), `${words.join('\n')}\n`);
  });

  it('is joined by ssh, wherever it stands in a prefix', () => {
    assert.equal(joinsWords(['nsenter', '--net=x', '--', '/usr/bin/ssh', 'a']), true);
    assert.equal(joinsWords(['kubectl', 'exec', '-i', 'ssh-pod', '--']), false);
  });

  it('goes over ssh without anybody at the keyboard, the options of the user first', () => {
    const prefix = sshPrefix(
      { by: 'ssh', host: 'a', options: ['-o', 'ConnectTimeout=1'] },
      '/x/ssh',
    );
    assert.deepEqual(prefix.slice(0, 4), ['ssh', '-T', '-o', 'ConnectTimeout=1']);
    for (const option of ['BatchMode=yes', 'ControlMaster=auto', 'ControlPath=/x/ssh']) {
      assert.ok(prefix.includes(option), option);
    }
    assert.deepEqual(prefix.slice(-2), ['--', 'a']);
  });
});

describe('why a host cannot take part', () => {
  const spec: HostSpec = {
    reach: { by: 'ssh', host: 'b', options: [] },
    address: '10.0.0.1',
    upstream: '10.0.0.1',
    splicebench: null,
  };
  const ended = (said: string) => `observer role on x ended (exit code 255: ${said})`;

  for (const [said, words] of [
    [
      ended('root@b: Permission denied (publickey).'),
      /^refuses the login \(root@b: Permission denied \(publickey\)\.\); .*'ssh -o BatchMode=yes b true' works$/,
    ],
    [ended('Host key verification failed.'), /^its host key is not known/],
    [
      ended('ssh: Could not resolve hostname b: Name or service not known'),
      /^is not known by this name/,
    ],
    [ended('ssh: connect to host b port 22: Connection refused'), /^does not answer/],
    ["observer role on x: no answer to 'identify' within 10 s", /^does not answer/],
    [ended('sh: 1: node: not found'), /^has no node/],
    [ended('splicebench is not installed'), /^has no splicebench .*splicebench deploy b/],
    [
      ended("splicebench: role: expected one of source, sink, got 'observer'"),
      /^has another version/,
    ],
    [ended('something new'), /^observer role on x ended \(.*something new\); try 'ssh/],
  ] as const) {
    it(said, () => {
      assert.match(connectFault(said, spec), words);
    });
  }
});

describe('what a host is', () => {
  it('has the interface of each address, or says that there is none', () => {
    const { interfaces, cpus, machine, addon } = identify(['127.0.0.1', '203.0.113.7']);
    assert.deepEqual(interfaces, {
      '127.0.0.1': { name: 'lo', device: false, speed: null },
      '203.0.113.7': null,
    });
    assert.ok(cpus.length > 0);
    assert.notEqual(machine, '');
    assert.equal(addon, null);
  });

  it("has a device only behind an interface that is its own, and not another namespace's", () => {
    const mac = '02:00:00:00:00:01';
    const files = fakeFiles({
      '/sys/class/net/eth0/address': mac,
      '/sys/class/net/eth0/device/vendor': '0x8086',
      '/sys/class/net/eth0/speed': '10000',
    });
    const eth0 = (address: string) => ({
      eth0: [{ ...IPV4, address: '10.0.0.1', mac: address }],
    });
    const card = { name: 'eth0', device: true, speed: 10e9 };
    assert.deepEqual(carrying('10.0.0.1', eth0(mac), files), card);
    // Behind `nsenter --net` sysfs is the machine's, and this eth0 a veth.
    const veth = { name: 'eth0', device: false, speed: null };
    assert.deepEqual(carrying('10.0.0.1', eth0('02:00:00:00:00:02'), files), veth);
  });
});

const IPV4 = { netmask: '255.255.255.0', family: 'IPv4', internal: false, cidr: null } as const;
