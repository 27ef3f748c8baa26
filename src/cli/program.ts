import { Command } from 'commander';
import { packageVersion } from '../base/process/package-root.js';

type Add = (root: Command) => void;

/** In the order of the help. Loaded where it is asked for: reading all of them takes half a second of CPU time. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  run: async () => (await import('./run.js')).addRun,
  list: async () => (await import('./list.js')).addList,
  doctor: async () => (await import('./doctor.js')).addDoctor,
  deploy: async () => (await import('./deploy.js')).addDeploy,
  report: async () => (await import('./report.js')).addReport,
  claims: async () => (await import('./claims.js')).addClaims,
  publish: async () => (await import('./publish.js')).addPublish,
  compare: async () => (await import('./compare.js')).addCompare,
  explain: async () => (await import('./explain.js')).addExplain,
  selftest: async () => (await import('./selftest.js')).addSelftest,
  noise: async () => (await import('./noise.js')).addNoise,
  lab: async () => (await import('./lab.js')).addLab,
  conformance: async () => (await import('./conformance.js')).addConformance,
  forward: async () => (await import('./forward.js')).addForward,
  source: async () => (await import('./source.js')).addSource,
  sink: async () => (await import('./sink.js')).addSink,
};

/**
 * The command line. Each command is added by the file of its name: the one that `asked` names, or all
 * of them, for the help and for saying which is nearest to what there is not.
 */
export async function program(asked = ''): Promise<Command> {
  const root = new Command('splicebench')
    .description('Is zero-copy TCP forwarding faster on this machine, and are the bytes unchanged?')
    .version(packageVersion())
    .showHelpAfterError('(splicebench COMMAND --help shows the options)')
    .exitOverride();
  const one = Object.hasOwn(COMMANDS, asked) ? COMMANDS[asked] : undefined;
  for (const load of one === undefined ? Object.values(COMMANDS) : [one]) (await load())(root);
  // Subcommands made before do not inherit it.
  for (const command of root.commands) command.exitOverride();
  return root;
}
