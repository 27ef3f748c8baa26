/** What is stored of hosts: their environment, what changed of it, and what spoils a measurement there. */

/** CPUs, as lists, on which an interrupt may be served and on which it is; null = not readable. */
export interface InterruptAffinity {
  allowed: string | null;
  effective: string | null;
}

/** An interface that carries trials. Texts are as the host printed them; null = unavailable. */
export interface InterfaceEnvironment {
  /** The host's name. */
  host: string;
  name: string;
  mtu: number | null;
  driver: string | null;
  firmware: string | null;
  speed: string | null;
  numa_node: string | null;
  /** CPUs near the device. */
  irq_affinity: string | null;
  /** The device's interrupts by number; absent in what was stored before. */
  interrupts?: Record<string, InterruptAffinity> | null;
  offloads: Record<string, string> | null;
  rings: Record<string, string> | null;
  /** The most that rings and queues can be; absent in what was stored before. */
  rings_maximum?: Record<string, string> | null;
  queues_maximum?: Record<string, string> | null;
  coalescing: Record<string, string> | null;
  pause: Record<string, string> | null;
  queues: Record<string, string> | null;
  /** Queue counters of the driver. */
  counters: Record<string, string> | null;
  /** Why, for each of the above that is null; absent in what was stored before. */
  unavailable?: Record<string, string>;
}

/** Kernel, CPU and settings of one host. Values are as the host printed them; null = unavailable. */
export interface HostEnvironment {
  host: string;
  kernel: string;
  /** The kernel parameters that matter to a measurement. */
  command_line: string | null;
  cpu_model: string | null;
  cpus: number;
  memory_bytes: number;
  /** Of all CPUs; more than one where they differ. */
  governor: string | null;
  /** Whether the clock may rise above its nominal rate; absent in what was stored before, as are the next two. */
  turbo?: 'on' | 'off' | null;
  /** The kernel's word for the state of SMT. */
  smt?: string | null;
  /** Whether interrupts are moved about, as far as its processes are visible; absent in what was stored before. */
  irqbalance?: 'running' | 'not seen';
  /** CPUs of the parts that run there, by part, in the first condition; absent where it is not known. */
  placement?: Record<string, number[]>;
  /** Why, for each fact that could not be read. */
  unavailable?: Record<string, string>;
  /** Which topology of the run it was captured for. */
  topology?: string;
  mitigations: Record<string, string>;
  /** sysctl name to value, read where the traffic runs. */
  sysctls: Record<string, string>;
  node: string;
  splicebench: string;
  /** Digest of the build; absent in what was stored before. */
  build?: string;
  /** True when traffic runs in a network namespace of the run's own. */
  private_namespace: boolean;
  /**
   * CPUs to which the run steers what interfaces there receive, by interface, as read back from the kernel;
   * absent = to none.
   */
  receiving?: Record<string, number[]>;
  /** What the run lost on this host and why, in words. */
  limits: string[];
  /** Those that carry trials, of all hosts of the topology on this machine. */
  interfaces?: InterfaceEnvironment[];
}

/**
 * Kinds of changes of a host during a run: of its kernel's settings, of how fast its CPUs run, of an
 * interface, of anything else; `unseen`: the host could not be asked again.
 */
export const CHANGE_KINDS = ['sysctl', 'clock', 'interface', 'system', 'unseen'] as const;

/** Something that was not the same after a run as before it. */
export interface EnvironmentChange {
  kind: (typeof CHANGE_KINDS)[number];
  host: string;
  /** Name of the fact, e.g. "sysctl net.ipv4.tcp_rmem". */
  what: string;
  /** null = could not be read then. */
  before: string | null;
  after: string | null;
}

/** Something that spoils a measurement, as it was found on a host when the run began. */
export interface StartWarning {
  /** null = between hosts. */
  host: string | null;
  /** Of the doctor's closed list. */
  id: string;
  found: string;
  matters: string;
  remedy: string;
}
