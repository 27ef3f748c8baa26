/** What spoils a measurement, as data: each with what was found, why it matters, and the remedy. */
import { bytes, count, listed, percent } from '../../base/units/quantity.js';
import { APART } from '../../data/record/apart.js';
import { type HostFacts, TOOLS } from './host-facts.js';

/** A kind of trouble; the list below is all that the doctor ever warns of. */
export interface WarningKind {
  id: string;
  /** What is wrong on this host, in words; null when nothing is. */
  found: (facts: HostFacts) => string | null;
  matters: string;
  remedy: string;
}

/** One that this host has. */
export interface Warning {
  id: string;
  found: string;
  matters: string;
  remedy: string;
}

/** Load of others that shows in a measurement. */
const LOAD = 0.1;
const STOLEN = 0.01;
/** Nanoseconds: cores of one last level cache answer in less than this, others do not. */
const COMMON_CACHE = 150;
const MIB = 2 ** 20;
/** The kernel's default of pipe-user-pages-soft: 1,024 pipes of 64 KiB. */
const SOFT_PAGES = 16_384;
const FILES = 4096;
const MEMORY = 512 * MIB;
/** EC2's types with CPU credits, where the firmware names them; other clouds do not say. */
const BURSTABLE = /^t\d[a-z]*\.\w+$/;
const PRESSURE = 0.01;

export const WARNING_KINDS: readonly WarningKind[] = [
  {
    id: 'no-namespace',
    found: ({ namespaceRefusal }) =>
      namespaceRefusal === null ? null : `no network namespace can be made: ${namespaceRefusal}`,
    matters:
      "loopback runs with the host's settings and shares it with other traffic; veth cannot run at all",
    remedy: 'run as root, or let users make user namespaces (sysctl user.max_user_namespaces)',
  },
  {
    id: 'cpus-apart',
    found: ({ lineTrips }) => {
      if (lineTrips.length === 0) return null;
      const [least, most] = [Math.min(...lineTrips), Math.max(...lineTrips)];
      const range = `a cache line takes ${count(Math.round(least))} to ${count(Math.round(most))} ns from the first CPU to the second and back`;
      if (most > APART * least) return `${range}: the hypervisor moves them`;
      return least > COMMON_CACHE ? `${range}: they have no cache in common` : null;
    },
    matters:
      'what one CPU writes and the other reads costs several times as much between cores without a common cache, and copying suffers more than splicing',
    remedy:
      'choose CPUs of one cache (lscpu -e=CPU,CACHE; pin in the scenario); for a virtual machine have the host pin its CPUs; sets leave rounds with CPUs apart out',
  },
  {
    id: 'pacing',
    found: ({ congestion }) =>
      congestion?.startsWith('bbr') === true
        ? `the host's congestion control is ${congestion}`
        : null,
    matters:
      "it sends at a rate of its own: where trials do not run in a namespace of the run's own they measure pacing",
    remedy:
      'nothing where a namespace can be made: the run sets cubic there; else sysctl -w net.ipv4.tcp_congestion_control=cubic',
  },
  {
    id: 'no-tracepoint',
    found: ({ tracepointRefusal }) => tracepointRefusal,
    matters: 'system calls of programs that are not ours cannot be counted',
    remedy:
      'run as root on a kernel with tracefs and perf_event (sysctl kernel.perf_event_paranoid)',
  },
  {
    id: 'no-hardware-counters',
    found: ({ hardwareCounters }) =>
      hardwareCounters ? null : 'the CPU shows no performance counters',
    matters: 'cycles, instructions and cache misses are unavailable; nothing else is lost',
    remedy: 'on a virtual machine, let the hypervisor pass the counters through (vPMU)',
  },
  {
    id: 'few-cpus',
    found: ({ cpus }) =>
      cpus.length > 0 && cpus.length < 3
        ? `${count(cpus.length)} ${cpus.length === 1 ? 'CPU' : 'CPUs'} to use`
        : null,
    matters:
      'source and sink share a CPU, or all parts do: source and sink limit a fast forwarder, and ratios of speed are co-limited',
    remedy: 'use a host with four cores or more',
  },
  {
    id: 'smt',
    found: ({ threadsShareCores }) =>
      threadsShareCores ? 'CPUs are threads that share cores' : null,
    matters: 'two busy threads of a core slow each other down, by how much depends on what they do',
    remedy:
      'pin the parts to different cores (`pin`), or echo off >/sys/devices/system/cpu/smt/control',
  },
  {
    id: 'governor',
    found: ({ governors }) => {
      const others = governors.filter((name) => name !== 'performance');
      return others.length === 0 ? null : `the frequency governor is ${listed(others)}`;
    },
    matters: 'the clock follows the load: the first seconds of a trial are slower',
    remedy: 'cpupower frequency-set -g performance',
  },
  {
    id: 'turbo',
    found: ({ turbo }) => (turbo === true ? 'turbo is on' : null),
    matters: 'the clock depends on heat and on what other cores do, so that figures drift',
    remedy:
      'echo 1 >/sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 >/sys/devices/system/cpu/cpufreq/boost',
  },
  {
    id: 'mitigations',
    found: ({ mitigations }) =>
      mitigations.length === 0 ? null : `mitigations are at work: ${listed(mitigations)}`,
    matters:
      'every system call costs more, which counts against whoever makes many; keep them on where production has them on',
    remedy:
      'compare only with hosts that have the same; mitigations=off in the kernel command line',
  },
  {
    id: 'stolen-time',
    found: ({ stolen }) =>
      stolen !== null && stolen >= STOLEN
        ? `${percent(stolen)} of the CPU time went to other guests`
        : null,
    matters: 'time that the hypervisor takes away falls on some trials and not on others',
    remedy: 'measure on a host of your own, or when its other guests are quiet',
  },
  {
    id: 'busy',
    found: ({ busy }) =>
      busy !== null && busy >= LOAD ? `other work uses ${percent(busy)} of the CPU time` : null,
    matters: 'it takes CPU time and cache from the trials, more from some than from others',
    remedy: 'end it (top shows what it is), or trust ratios only, over more blocks',
  },
  {
    id: 'small-pipes',
    found: ({ pipeMaxSize }) =>
      pipeMaxSize !== null && pipeMaxSize < MIB
        ? `a user's pipes have at most ${bytes(pipeMaxSize)} (fs.pipe-max-size)`
        : null,
    matters: 'splicing moves less per call than it could',
    remedy: 'sysctl -w fs.pipe-max-size=1048576, or run as root',
  },
  {
    id: 'few-pipe-pages',
    found: ({ pipeUserPagesSoft }) =>
      pipeUserPagesSoft !== null && pipeUserPagesSoft > 0 && pipeUserPagesSoft < SOFT_PAGES
        ? `a user has ${count(pipeUserPagesSoft)} pages for all pipes (fs.pipe-user-pages-soft)`
        : null,
    matters: 'beyond them new pipes shrink to one or two pages, and splicing slows down',
    remedy: `sysctl -w fs.pipe-user-pages-soft=${SOFT_PAGES}, or run as root`,
  },
  {
    id: 'few-files',
    found: ({ openFiles }) =>
      openFiles !== null && openFiles < FILES ? `at most ${count(openFiles)} open files` : null,
    matters: 'thousands of connections need two descriptors each, and two more for each pipe',
    remedy: 'ulimit -n 65536',
  },
  {
    id: 'memory',
    found: ({ memoryAvailable, memoryPressure }) => {
      if (memoryPressure !== null && memoryPressure >= PRESSURE) {
        return `something waited for memory in ${percent(memoryPressure)} of the last ten seconds`;
      }
      return memoryAvailable !== null && memoryAvailable < MEMORY
        ? `only ${bytes(memoryAvailable)} of memory are free`
        : null;
    },
    matters: 'the kernel shrinks socket buffers and reclaims pages in the middle of a trial',
    remedy: 'end what uses the memory',
  },
  {
    id: 'virtual-machine',
    found: ({ virtual }) => (virtual ? 'this is a virtual machine' : null),
    matters:
      'absolute figures drift with the host beneath; ratios of interleaved trials hold better',
    remedy: 'take ratios, not Gbps, or measure on bare metal',
  },
  {
    id: 'burstable',
    found: ({ machineType }) =>
      machineType !== null && BURSTABLE.test(machineType)
        ? `the machine is a ${machineType}, which runs at full speed only while it has credits`
        : null,
    matters: 'when the credits are gone, in mid-run, every trial is slower than those before it',
    remedy: 'measure on a machine type with CPUs of its own',
  },
  {
    id: 'numa',
    found: ({ numaNodes }) => (numaNodes > 1 ? `${count(numaNodes)} NUMA nodes` : null),
    matters: 'memory and network cards of another node are further away',
    remedy: 'pin all parts to the node of the network card (`pin`)',
  },
  {
    id: 'offloads',
    found: ({ interfacesWithoutOffloads: names }) =>
      names.length === 0 ? null : `TSO or GRO is off on ${listed(names)}`,
    matters:
      'without coalescing the cost per packet rules, and zero copy gains little (bench/scenarios/offloads.yaml)',
    remedy: 'ethtool -K INTERFACE tso on gro on; loopback and veth are not concerned',
  },
  {
    id: 'missing-tools',
    found: ({ missingTools }) =>
      missingTools.length === 0
        ? null
        : `not found: ${missingTools.map((name) => `${name} (${TOOLS[name]?.use ?? ''})`).join(', ')}`,
    matters: 'what needs them is left out of runs',
    remedy: 'apt-get install with the packages that are named',
  },
];

/** The warnings of a host. */
export function warningsFor(facts: HostFacts): Warning[] {
  return WARNING_KINDS.flatMap(({ id, found, matters, remedy }) => {
    const what = found(facts);
    if (what === null) return [];
    return [{ id, found: what, matters, remedy: id === 'missing-tools' ? install(facts) : remedy }];
  });
}

function install({ missingTools }: HostFacts): string {
  const packages = missingTools.flatMap((name) => TOOLS[name]?.from.split(' ') ?? []);
  return `apt-get install ${[...new Set(packages)].join(' ')}`;
}
