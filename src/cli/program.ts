import { Command } from 'commander';
import { packageVersion } from '../host/environment.js';
import { addClaims } from './claims.js';
import { addCompare } from './compare.js';
import { addExplain } from './explain.js';
import { addDeploy } from './deploy.js';
import { addDoctor } from './doctor.js';
import { addForward } from './forward.js';
import { addList } from './list.js';
import { addReport } from './report.js';
import { addRun } from './run.js';
import { addSelftest } from './selftest.js';
import { addSink } from './sink.js';
import { addSource } from './source.js';

/** The command line. Each command is added by the file of its name. */
export function program(): Command {
  const root = new Command('splicebench')
    .description(
      'Is zero-copy TCP forwarding faster on this machine, and are the bytes still yours?',
    )
    .version(packageVersion())
    .showHelpAfterError('(splicebench COMMAND --help shows the options)')
    .exitOverride();
  for (const add of [
    addRun,
    addList,
    addDoctor,
    addDeploy,
    addReport,
    addClaims,
    addCompare,
    addExplain,
    addSelftest,
    addForward,
    addSource,
    addSink,
  ])
    add(root);
  // Subcommands made before do not inherit it.
  for (const command of root.commands) command.exitOverride();
  return root;
}
