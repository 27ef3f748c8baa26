import type { z } from 'zod';
import type { Workload } from '../../data/record/plan.js';

/** How a forwarder is run. */
export type Runner =
  /** No forwarder: the sink talks to the source. */
  | { kind: 'direct' }
  /** A mechanism of the native addon, and all that it must be told: each option with its default. */
  | { kind: 'builtin'; mechanism: string; settings: z.ZodObject }
  /** A program, started as the options say. */
  | {
      kind: 'command';
      /** May look at the program first, to write what its version understands. */
      command: (options: Record<string, unknown>) => CommandSpec | Promise<CommandSpec>;
    };

/**
 * A program to run as a forwarder. The placeholders of fillPlaceholders are filled in, in argv, env,
 * cwd, the contents of files, and the commands that ask whether it is ready and which version it is.
 */
export interface CommandSpec {
  argv: string[];
  /** Added to the environment. */
  env: Record<string, string>;
  /** Working directory; null = the orchestrator's. */
  cwd: string | null;
  /** Files by name with their contents, written into `{dir}`: a folder that lives as long as the trial. */
  files: Record<string, string>;
  /** What shows that it is ready. */
  probe: Probe;
  /** Seconds within which it must be ready. */
  ready: number;
  /** Prints its version; null = unknown. */
  versionArgv: string[] | null;
  /** Prints how it was built, where it does: a debug build is told from that. */
  buildArgv?: string[];
  /** Lines of its output that speak of trouble while it runs, as a regular expression; absent = none do. */
  trouble?: string;
  /** Counters that it gives to whoever sends `ask` to a UNIX socket of its; read once the trial is over. */
  counters?: { socket: string; ask: string };
}

export type Probe =
  /**
   * Something listens on the port. Nothing connects: that would be a session like any other, which the
   * source would count, and some programs serve only one.
   */
  | { kind: 'listen' }
  /** It has printed this, and something listens. */
  | { kind: 'output'; text: string }
  /** This command, filled in like argv, ends with exit code 0. */
  | { kind: 'command'; argv: string[] };

/** One entry of the registry: a word that `use:` accepts in a scenario. */
export interface ForwarderKind {
  use: string;
  summary: string;
  /**
   * For the selftest: it breaks streams on purpose. It is told the trial's seed, and not listed among
   * the forwarders that one may want to use.
   */
  damaging?: true;
  /** It is known to lose bytes, and why: no honest stream for the selftest. */
  lossy?: string;
  /** What a scenario may say. */
  options: z.ZodObject;
  runner: Runner;
  /**
   * Why it cannot work on this host, naming what is missing and the way to get it; null when it can.
   * Asked once per run, before anything starts.
   */
  unavailable: (options: Record<string, unknown>) => Promise<string | null>;
  /** Why it cannot take part under a workload with these options, or null when it can. */
  refuses: (workload: Workload, options: Record<string, unknown>) => string | null;
  /**
   * The version of the program that `program` names, for the label; null = no program is named, it is not
   * here, or it does not say. Absent where there is no such option.
   */
  versionOf?: (options: Record<string, unknown>) => string | null;
  /** Reads what the counters of its spec gave, by the names of forwarder_detail. */
  countersOf?: (text: string) => Record<string, number>;
}
