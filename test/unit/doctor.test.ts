import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type HostFacts,
  readHostFacts,
  type Reader,
  TOOLS,
} from '../../src/machine/host/host-facts.js';
import { WARNING_KINDS, warningsFor } from '../../src/machine/host/warnings.js';

/** A host on which nothing spoils anything. */
const SOUND: HostFacts = {
  congestion: 'cubic',
  namespaceRefusal: null,
  tracepointRefusal: null,
  hardwareCounters: true,
  cpus: [0, 1, 2, 3],
  threadsShareCores: false,
  governors: ['performance'],
  lineTrips: [50, 55],
  turbo: false,
  mitigations: [],
  busy: 0.01,
  stolen: 0,
  pipeMaxSize: 2 ** 20,
  pipeUserPagesSoft: 16_384,
  openFiles: 65_536,
  memoryAvailable: 2 ** 33,
  memoryPressure: 0,
  virtual: false,
  machineType: 'c7i.large',
  numaNodes: 1,
  missingTools: [],
  interfacesWithoutOffloads: [],
};

/** What makes each warning, one change to the sound host. */
const CAUSES: Record<string, Partial<HostFacts>> = {
  'no-namespace': { namespaceRefusal: 'Operation not permitted' },
  'cpus-apart': { lineTrips: [50, 340] },
  pacing: { congestion: 'bbr' },
  'no-tracepoint': { tracepointRefusal: 'needs root' },
  'no-hardware-counters': { hardwareCounters: false },
  'few-cpus': { cpus: [0, 1] },
  smt: { threadsShareCores: true },
  governor: { governors: ['powersave'] },
  turbo: { turbo: true },
  mitigations: { mitigations: ['spectre_v2'] },
  'stolen-time': { stolen: 0.05 },
  busy: { busy: 0.4 },
  'small-pipes': { pipeMaxSize: 65_536 },
  'few-pipe-pages': { pipeUserPagesSoft: 1024 },
  'few-files': { openFiles: 1024 },
  memory: { memoryPressure: 0.2 },
  'virtual-machine': { virtual: true },
  burstable: { machineType: 't4g.micro' },
  numa: { numaNodes: 2 },
  offloads: { interfacesWithoutOffloads: ['eth0'] },
  'missing-tools': { missingTools: ['haproxy', 'tc'] },
};

describe('warningsFor', () => {
  it('warns of nothing on a sound host', () => {
    assert.deepEqual(warningsFor(SOUND), []);
  });

  it('is a closed list, and every kind has a cause here', () => {
    assert.deepEqual(WARNING_KINDS.map(({ id }) => id).sort(), Object.keys(CAUSES).sort());
  });

  for (const [id, change] of Object.entries(CAUSES)) {
    it(`warns of ${id}, and of nothing else`, () => {
      const warnings = warningsFor({ ...SOUND, ...change });
      assert.deepEqual(
        warnings.map((warning) => warning.id),
        [id],
      );
      const [{ found, matters, remedy } = { found: '', matters: '', remedy: '' }] = warnings;
      for (const words of [found, matters, remedy]) assert.match(words, /\w{3}/);
    });
  }

  it('tells CPUs that move from CPUs that have no cache in common', () => {
    const foundWith = (lineTrips: number[]) => warningsFor({ ...SOUND, lineTrips })[0]?.found;
    assert.match(foundWith([50, 340]) ?? '', /50 to 340 ns .*: the hypervisor moves them/);
    assert.match(foundWith([320, 340]) ?? '', /320 to 340 ns .*: they have no cache in common/);
    assert.equal(foundWith([]), undefined);
  });

  it('takes nothing for granted that the host does not tell', () => {
    const silent: HostFacts = {
      ...SOUND,
      congestion: null,
      turbo: null,
      governors: [],
      busy: null,
      stolen: null,
      pipeMaxSize: null,
      pipeUserPagesSoft: null,
      openFiles: null,
      memoryAvailable: null,
      memoryPressure: null,
    };
    assert.deepEqual(warningsFor(silent), []);
  });

  it('names the packages of missing tools', () => {
    const [warning] = warningsFor({ ...SOUND, missingTools: ['haproxy', 'tc', 'ip'] });
    assert.equal(warning?.remedy, 'apt-get install haproxy iproute2');
  });
});

/** A host made of files. */
function fakeReader(files: Record<string, string>, later: Record<string, string> = {}): Reader {
  let now = files;
  return {
    text: (path) => now[path] ?? null,
    list: (path) =>
      [
        ...new Set(
          Object.keys(now)
            .filter((name) => name.startsWith(`${path}/`))
            .map((name) => name.slice(path.length + 1).split('/')[0] ?? ''),
        ),
      ].sort(),
    program: (name) => name !== 'ncat',
    wait: () => {
      now = { ...files, ...later };
      return Promise.resolve();
    },
    namespaceRefusal: () => Promise.resolve(null),
    tracepointRefusal: () => Promise.resolve('needs root'),
    lineTrip: (first, second) => (first === 0 && second === 1 ? 52 : null),
    offloads: (name) => ({
      tso: name !== 'eth1',
      gso: true,
      gro: true,
      txChecksum: true,
      rxChecksum: true,
    }),
  };
}

const CPU = '/sys/devices/system/cpu';

describe('readHostFacts', () => {
  it('reads what the kernel shows', async () => {
    const reader = fakeReader(
      {
        '/proc/self/status': 'Name: node\nCpus_allowed_list:\t0-1',
        '/proc/stat': 'cpu  100 0 0 100 0 0 0 0 0 0',
        '/proc/sys/net/ipv4/tcp_congestion_control': 'bbr',
        '/sys/bus/event_source/devices/cpu/type': '4',
        [`${CPU}/cpu0/topology/thread_siblings_list`]: '0-1',
        [`${CPU}/cpu0/cpufreq/scaling_governor`]: 'powersave',
        [`${CPU}/cpu1/cpufreq/scaling_governor`]: 'powersave',
        [`${CPU}/intel_pstate/no_turbo`]: '0',
        [`${CPU}/vulnerabilities/meltdown`]: 'Mitigation: PTI',
        [`${CPU}/vulnerabilities/l1tf`]: 'Not affected',
        '/proc/sys/fs/pipe-max-size': '1048576',
        '/proc/sys/fs/pipe-user-pages-soft': '16384',
        '/proc/self/limits': 'Max open files            1024                 4096       files',
        '/proc/meminfo': 'MemTotal: 99 kB\nMemAvailable:    2048 kB',
        '/proc/pressure/memory': 'some avg10=2.50 avg60=0 avg300=0 total=0\nfull avg10=1.00',
        '/proc/cpuinfo': 'processor : 0\nflags\t\t: fpu hypervisor sse2',
        '/sys/devices/system/node/node0/meminfo': '',
        '/sys/devices/system/node/node1/meminfo': '',
        '/sys/class/net/lo/operstate': 'unknown',
        '/sys/class/net/eth0/operstate': 'up',
        '/sys/class/net/eth1/operstate': 'up',
        '/sys/class/net/eth2/operstate': 'down',
      },
      { '/proc/stat': 'cpu  130 0 10 140 0 0 10 10 0 0' },
    );
    assert.deepEqual(await readHostFacts(reader), {
      congestion: 'bbr',
      namespaceRefusal: null,
      tracepointRefusal: 'needs root',
      hardwareCounters: true,
      cpus: [0, 1],
      threadsShareCores: true,
      lineTrips: Array.from({ length: 8 }, () => 52),
      governors: ['powersave'],
      turbo: true,
      mitigations: ['meltdown'],
      busy: 0.5,
      stolen: 0.1,
      pipeMaxSize: 1_048_576,
      pipeUserPagesSoft: 16_384,
      openFiles: 1024,
      memoryAvailable: 2048 * 1024,
      memoryPressure: 0.025,
      virtual: true,
      machineType: null,
      numaNodes: 2,
      missingTools: ['ncat'],
      interfacesWithoutOffloads: ['eth1'],
    });
  });

  it('says nothing about what it cannot read', async () => {
    const facts = await readHostFacts(fakeReader({}));
    assert.deepEqual(
      [facts.congestion, facts.turbo, facts.busy, facts.pipeMaxSize, facts.openFiles],
      [null, null, null, null, null],
    );
    assert.deepEqual(facts.cpus, []);
    assert.ok(Object.keys(TOOLS).length > 5);
  });
});
