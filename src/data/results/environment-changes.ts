/** What of a host's environment is a fact by a name, and which facts a run did not leave as they were. */
import type {
  EnvironmentChange,
  HostEnvironment,
  InterfaceEnvironment,
} from '../record/environment-record.js';

type Kind = EnvironmentChange['kind'];

/** A fact: its kind, and its value; null = could not be read. */
interface NamedFact {
  kind: Kind;
  value: string | null;
}

/** Facts of an interface that are several values by name; not its counters, which traffic moves. */
const GROUPS = {
  offloads: 'offload',
  rings: 'ring',
  coalescing: 'coalescing',
  pause: 'pause frames',
  queues: 'queues',
} as const satisfies Partial<Record<keyof InterfaceEnvironment, string>>;

/** All facts of a host by name, in the order in which they are told. */
export function factsOf(environment: HostEnvironment): Map<string, NamedFact> {
  const found = new Map<string, NamedFact>();
  const add = (kind: Kind, what: string, value: string | number | boolean | null | undefined) => {
    // Not captured by the version that stored it: nothing can be said of it.
    if (value === undefined) return;
    found.set(what, { kind, value: value === null ? null : String(value) });
  };
  const { interfaces = [] } = environment;
  add('system', 'kernel', environment.kernel);
  add('system', 'kernel command line', environment.command_line);
  add('system', 'CPU model', environment.cpu_model);
  add('system', 'number of CPUs', environment.cpus);
  add('system', 'memory, bytes', environment.memory_bytes);
  add('clock', 'frequency governor', environment.governor);
  add('clock', 'turbo', environment.turbo);
  add('clock', 'SMT', environment.smt);
  add('interface', 'irqbalance', environment.irqbalance);
  add('system', 'node', environment.node);
  add('system', 'splicebench', environment.splicebench);
  add('system', 'splicebench build', environment.build);
  add('system', 'private namespace', environment.private_namespace);
  for (const [name, value] of Object.entries(environment.mitigations)) {
    add('system', `mitigation ${name}`, value);
  }
  for (const [name, value] of Object.entries(environment.sysctls)) {
    add('sysctl', `sysctl ${name}`, value);
  }
  for (const one of interfaces) {
    // Of several parts on one machine each may have an interface of that name.
    const of = `interface ${one.name}${one.host === environment.host ? '' : ` of ${one.host}`}`;
    const addFact = (what: string, value: string | number | null | undefined) => {
      add('interface', `${of}: ${what}`, value);
    };
    addFact('MTU', one.mtu);
    addFact('driver', one.driver);
    addFact('firmware', one.firmware);
    addFact('speed', one.speed);
    addFact('NUMA node', one.numa_node);
    addFact('near CPUs', one.irq_affinity);
    for (const [irq, { allowed, effective }] of Object.entries(one.interrupts ?? {})) {
      addFact(`interrupt ${irq}, allowed CPUs`, allowed);
      addFact(`interrupt ${irq}, effective CPUs`, effective);
    }
    for (const [group, words] of Object.entries(GROUPS)) {
      const values = one[group as keyof typeof GROUPS] ?? {};
      for (const [key, value] of Object.entries(values)) addFact(`${words} ${key}`, value);
    }
  }
  return found;
}

/**
 * What changed between two captures of the same hosts. A host that is missing from the second one is
 * a change as well: nothing is known of it then.
 */
export function environmentChanges(
  before: readonly HostEnvironment[],
  after: readonly HostEnvironment[],
): EnvironmentChange[] {
  return before.flatMap((one) => {
    const { host } = one;
    const again = after.find((other) => other.host === host && other.topology === one.topology);
    if (again === undefined) {
      return [{ kind: 'unseen', host, what: 'host', before: 'seen', after: null }];
    }
    const [was, is] = [factsOf(one), factsOf(again)];
    return [...new Set([...was.keys(), ...is.keys()])].flatMap((what): EnvironmentChange[] => {
      const kind = (was.get(what) ?? is.get(what))?.kind ?? 'system';
      const values = {
        before: was.get(what)?.value ?? null,
        after: is.get(what)?.value ?? null,
      };
      return values.before === values.after ? [] : [{ kind, host, what, ...values }];
    });
  });
}
