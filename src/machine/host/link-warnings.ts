/**
 * What of cards, links and their settings spoils a measurement, as data: each with what was found, why it
 * matters, and the commands that end it. Judged by what was captured of the hosts; what a host does not
 * tell is no trouble and no clearance.
 */
import { count, listed } from '../../base/units/quantity.js';
import type {
  HostEnvironment,
  InterfaceEnvironment,
  StartWarning,
} from '../../data/record/environment-record.js';
import { parseCpuList } from '../../base/units/sizes.js';

/** The hosts of one scenario. */
export interface Situation {
  hosts: readonly HostEnvironment[];
  /** Most connections of any condition; null = not known. */
  connections: number | null;
}

/** One trouble; `host` null = between hosts. */
interface Finding {
  host: string | null;
  found: string;
  remedy: string;
}

/** A kind of trouble; the list below is all that is ever warned of. */
export interface LinkWarningKind {
  id: string;
  matters: string;
  find: (situation: Situation) => Finding[];
}

/** Rings of this share of what the card can have, or less, are far below it. */
const SMALL_RING = 1 / 4;
/** Enough for 10 Gbps; more costs cache. */
const GOOD_RING = 4096;
/** Longer than this, waiting for more packets is what a latency on a LAN consists of; microseconds. */
const LONG_WAIT = 100;
/** Round trip that buffers are judged for: hosts of one room, under load. Seconds. */
const ROUND_TRIP = 1e-3;
/** TCP counts half of a receive buffer as room for its own (tcp_adv_win_scale 1). */
const BUFFER_SHARE = 1 / 2;
/** What nic-guide.md sets, bytes. */
const GOOD_BUFFER = 33_554_432;

export const LINK_WARNING_KINDS: readonly LinkWarningKind[] = [
  {
    id: 'small-rings',
    matters: 'packets that come in a burst are dropped, which looks like a slow forwarder',
    find: perCard((card) => {
      const small = ['RX', 'TX'].flatMap((name) => {
        const [now, most] = [numberIn(card.rings, name), numberIn(card.rings_maximum, name)];
        return now === null || most === null || now > most * SMALL_RING
          ? []
          : [{ name, now, most, good: Math.min(most, GOOD_RING) }];
      });
      if (small.length === 0) return null;
      const sizes = small.map(({ name, now, most }) => `${name} ${count(now)} of ${count(most)}`);
      const set = small.map(({ name, good }) => `${name.toLowerCase()} ${good}`);
      return {
        found: `rings of ${card.name} are far below what it can have: ${listed(sizes)}`,
        remedy: `ethtool -G ${card.name} ${set.join(' ')}`,
      };
    }),
  },
  {
    id: 'adaptive-coalescing',
    matters: 'how long the card waits before it interrupts changes in the middle of a run',
    find: perCard(({ name, coalescing }) => {
      // One line of ethtool: "Adaptive RX: on  TX: off".
      const [, receive, send] =
        /^(on|off|n\/a)\s+TX:\s*(on|off|n\/a)/.exec(coalescing?.['Adaptive RX'] ?? '') ?? [];
      const on = Object.entries({ rx: receive, tx: send }).flatMap(([side, is]) =>
        is === 'on' ? [side] : [],
      );
      if (on.length === 0) return null;
      return {
        found: `interrupt coalescing of ${name} is adaptive (${listed(on)})`,
        remedy: `ethtool -C ${name} ${on.map((side) => `adaptive-${side} off`).join(' ')} rx-usecs 50`,
      };
    }),
  },
  {
    id: 'long-coalescing',
    matters: 'it is part of every latency, and bursts fill rings and buffers',
    find: perCard(({ name, coalescing }) => {
      const wait = numberIn(coalescing, 'rx-usecs');
      if (wait === null || wait <= LONG_WAIT) return null;
      return {
        found: `${name} waits up to ${count(wait)} µs before it interrupts`,
        remedy: `ethtool -C ${name} rx-usecs 50`,
      };
    }),
  },
  {
    id: 'pause-frames',
    matters: 'a slow receiver then stops its sender below the sight of TCP',
    find: perCard(({ name, pause }) => {
      const on = ['RX', 'TX'].filter((side) => pause?.[side] === 'on');
      if (on.length === 0) return null;
      return {
        found: `pause frames of ${name} are on (${listed(on)})`,
        remedy: `ethtool -A ${name} autoneg off rx off tx off`,
      };
    }),
  },
  {
    id: 'irqbalance',
    matters: 'interrupts move to other CPUs in the middle of a run, onto the forwarder among them',
    find: perHost((host) =>
      host.irqbalance === 'running' && cardsOf(host).length > 0
        ? { found: 'irqbalance runs', remedy: 'systemctl stop irqbalance' }
        : null,
    ),
  },
  {
    id: 'interrupts-on-forwarder',
    matters: 'packets are served at the cost of the forwarder; on another CPU they are not',
    find: perHost((host) => {
      const own = host.placement?.['forwarder'] ?? [];
      const there = cardsOf(host).flatMap(({ name, interrupts }) => {
        const met = Object.entries(interrupts ?? {}).filter(([, { effective, allowed }]) =>
          cpusIn(effective ?? allowed).some((cpu) => own.includes(cpu)),
        );
        return met.map(([irq]) => ({ name, irq }));
      });
      const [first] = there;
      if (first === undefined) return null;
      const other = Array.from({ length: host.cpus }, (_, cpu) => cpu).find(
        (cpu) => !own.includes(cpu),
      );
      const names = [...new Set(there.map(({ name }) => name))];
      const irqs = there.map(({ irq }) => irq).join(' ');
      return {
        found: `${count(there.length)} of the interrupts of ${listed(names)} are served on the forwarder's CPU ${own.join(', ')}`,
        remedy:
          other === undefined
            ? 'use a host with more CPUs'
            : `for irq in ${irqs}; do echo ${other} >/proc/irq/$irq/smp_affinity_list; done, or pin the forwarder elsewhere (\`pin\`)`,
      };
    }),
  },
  {
    id: 'far-card',
    matters: 'every packet crosses from one NUMA node to another',
    find: perHost((host) => {
      const far = cardsOf(host).flatMap(({ name, numa_node: node, irq_affinity: near }) => {
        // -1: the machine has one node, or does not say.
        if (node === null || Number(node) < 0 || near === null) return [];
        const local = cpusIn(near);
        const parts = Object.entries(host.placement ?? {}).filter(
          ([, cpus]) => cpus.length > 0 && !cpus.some((cpu) => local.includes(cpu)),
        );
        return parts.length === 0 ? [] : [{ name, node, near, parts: parts.map(([part]) => part) }];
      });
      const [first] = far;
      if (first === undefined) return null;
      const { name, node, near, parts } = first;
      return {
        found: `${listed(parts)} ${parts.length === 1 ? 'is' : 'are'} on another NUMA node than ${name} (node ${node}, CPUs ${near})`,
        remedy: `pin to CPUs ${near} in the scenario (\`pin: { ${parts.map((part) => `${part}: [${cpusIn(near)[0] ?? 0}]`).join(', ')} }\`)`,
      };
    }),
  },
  {
    id: 'small-buffers',
    matters: 'one connection cannot fill the link, whoever forwards it',
    find: perHost((host) => {
      const speeds = cardsOf(host).flatMap(({ speed }) => megabitsOf(speed) ?? []);
      if (speeds.length === 0) return null;
      const need = Math.ceil((Math.max(...speeds) * 1e6 * ROUND_TRIP) / 8 / BUFFER_SHARE);
      const small = ['tcp_rmem', 'tcp_wmem'].flatMap((name) => {
        const [least, usual, most] =
          host.sysctls[`net.ipv4.${name}`]?.split(/\s+/).map(Number) ?? [];
        return most === undefined || most >= need ? [] : [{ name, least, usual, most }];
      });
      if (small.length === 0) return null;
      const good = Math.max(GOOD_BUFFER, need);
      const set = small.map(
        ({ name, least, usual }) => `net.ipv4.${name}='${least} ${usual} ${good}'`,
      );
      return {
        found: `${listed(small.map(({ name, most }) => `${name} ends at ${count(most)} bytes`))}, and the link holds ${count(need)} in ${ROUND_TRIP * 1e3} ms`,
        remedy: `sysctl -w ${set.join(' ')}`,
      };
    }),
  },
  {
    id: 'few-queues',
    matters: 'many connections share few interrupts, and these few CPUs',
    find: ({ hosts, connections }) =>
      perCard((card, host) => {
        const now = numberIn(card.queues, 'Combined');
        const most = numberIn(card.queues_maximum, 'Combined');
        if (now === null || most === null) return null;
        // One queue is what one connection wants (nic-guide.md).
        const useful = Math.min(most, host.cpus, connections ?? Infinity);
        if (now >= useful) return null;
        return {
          found: `${card.name} has ${count(now)} of ${count(most)} queues for ${count(host.cpus)} CPUs`,
          remedy: `ethtool -L ${card.name} combined ${Math.min(most, host.cpus)}`,
        };
      })({ hosts, connections }),
  },
  {
    id: 'mtu-differs',
    matters: 'larger packets are lost or cut on their way, or each side has another cost per byte',
    find: (situation) => {
      const all = carriers(situation).filter(({ mtu }) => mtu !== null);
      const least = Math.min(...all.map(({ mtu }) => mtu ?? Infinity));
      const larger = all.filter(({ mtu }) => mtu !== null && mtu > least);
      if (larger.length === 0) return [];
      const set = larger.map(({ host, name }) => `ip link set ${name} mtu ${least} on ${host}`);
      return [
        {
          host: null,
          found: `MTUs differ: ${listed(all.map(({ host, name, mtu }) => `${mtu} of ${name} on ${host}`))}`,
          remedy: `the same on all ports and the switch: ${set.join('; ')}, or raise the others`,
        },
      ];
    },
  },
  {
    id: 'speed-differs',
    matters: 'the slowest link limits the trial, and a faster port fills the buffers before it',
    find: (situation) => {
      const all = carriers(situation).filter(
        (one) => isCard(one) && megabitsOf(one.speed) !== null,
      );
      if (new Set(all.map(({ speed }) => speed)).size < 2) return [];
      const slow = all.reduce((one, other) =>
        (megabitsOf(other.speed) ?? 0) < (megabitsOf(one.speed) ?? 0) ? other : one,
      );
      return [
        {
          host: null,
          found: `link speeds differ: ${listed(all.map(({ host, name, speed }) => `${speed ?? ''} of ${name} on ${host}`))}`,
          remedy: `look at cable and switch port of ${slow.name} on ${slow.host} (ethtool ${slow.name}; ethtool -s ${slow.name} autoneg on), or use ports of one speed`,
        },
      ];
    },
  },
];

/** The warnings of hosts that belong together. Pure. */
export function linkWarnings(situation: Situation): StartWarning[] {
  return LINK_WARNING_KINDS.flatMap(({ id, matters, find }) =>
    find(situation).map(({ host, found, remedy }) => ({ host, id, found, matters, remedy })),
  );
}

type Said = Omit<Finding, 'host'> | null;

function perHost(find: (host: HostEnvironment) => Said): LinkWarningKind['find'] {
  return ({ hosts }) =>
    hosts.flatMap((host) => {
      const said = find(host);
      return said === null ? [] : [{ host: host.host, ...said }];
    });
}

/** One finding per card: each has a command of its own. */
function perCard(
  find: (card: InterfaceEnvironment, host: HostEnvironment) => Said,
): LinkWarningKind['find'] {
  return ({ hosts }) =>
    hosts.flatMap((host) =>
      cardsOf(host).flatMap((card) => {
        const said = find(card, host);
        return said === null ? [] : [{ host: card.host, ...said }];
      }),
    );
}

function carriers({ hosts }: Situation): InterfaceEnvironment[] {
  return hosts.flatMap(({ interfaces }) => interfaces ?? []);
}

function cardsOf({ interfaces }: HostEnvironment): InterfaceEnvironment[] {
  return (interfaces ?? []).filter(isCard);
}

/** sysfs has a node for each device on a bus, -1 where there is one only; veth and its like have none. */
function isCard({ numa_node: node }: InterfaceEnvironment): boolean {
  return node !== null;
}

function numberIn(values: Record<string, string> | null | undefined, key: string): number | null {
  const text = values?.[key];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

function cpusIn(list: string | null): number[] {
  return list === null || list === '' ? [] : parseCpuList(list);
}

/** Of "10000Mb/s"; null for "Unknown!". */
function megabitsOf(speed: string | null): number | null {
  const found = /^(\d+)Mb\/s$/.exec(speed ?? '')?.[1];
  return found === undefined ? null : Number(found);
}
