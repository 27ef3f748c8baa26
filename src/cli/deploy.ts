import type { Command } from 'commander';
import { install, type DeployTarget, remove } from '../tasks/deploy/install.js';
import { packageVersion } from '../base/process/package-root.js';
import { joinsWords, sshPrefix } from '../machine/topology/hosts/host-launch.js';
import { EXIT, UsageError } from '../base/errors/errors.js';
import { wordsOf } from '../base/errors/words.js';

interface Options {
  remove?: boolean;
  prefix?: string[];
}

/** `splicebench deploy HOST…`: puts this package on other hosts, or takes it away again. */
export function addDeploy(root: Command): void {
  root
    .command('deploy')
    .description('put this version on other hosts, for scenarios with topology hosts')
    .argument('[hosts...]', 'hosts as ssh takes them')
    .option(
      '--prefix <argv>',
      "a host, given as what starts a program there, e.g. 'kubectl exec -i pod --'; repeatable",
      (argv: string, before: string[] | undefined) => [...(before ?? []), argv],
    )
    .option('--remove', 'take away every version that was put there')
    .action(deploy);
}

async function deploy(names: string[], options: Options): Promise<void> {
  const hosts = [...names.map(byName), ...(options.prefix ?? []).map(byPrefix)];
  if (hosts.length === 0) throw new UsageError('deploy: expected a host, or --prefix ARGV');
  const work = options.remove ? removed : installed;
  const lines = await Promise.all(
    hosts.map(async (host) => {
      try {
        return { line: `${host.name}: ${await work(host)}`, failed: false };
      } catch (error) {
        const why = wordsOf(error);
        return { line: `splicebench: ${host.name}: ${why}`, failed: true };
      }
    }),
  );
  for (const { line, failed } of lines) {
    (failed ? process.stderr : process.stdout).write(`${line}\n`);
  }
  if (lines.some(({ failed }) => failed)) process.exitCode = EXIT.couldNotRun;
}

function byName(name: string): DeployTarget {
  if (!/^[^-\s]\S*$/.test(name)) throw new UsageError(`deploy: expected a host, got '${name}'`);
  return { name, prefix: sshPrefix({ by: 'ssh', host: name, options: [] }, null), shell: true };
}

/** Words apart by blanks: what needs quotes is better put in a script. */
function byPrefix(text: string): DeployTarget {
  const prefix = text.split(/\s+/).filter((word) => word !== '');
  if (prefix.length === 0) throw new UsageError('deploy: --prefix is empty');
  return { name: text, prefix, shell: joinsWords(prefix) };
}

async function installed(host: DeployTarget): Promise<string> {
  const { folder, node, arch, addon } = await install(host);
  const how =
    addon === 'as built here' ? 'the addon as it was built here' : 'the addon built there';
  return `splicebench ${packageVersion()} in ${folder}, node ${node}, ${arch}, ${how}`;
}

async function removed(host: DeployTarget): Promise<string> {
  return (await remove(host)) ? 'removed' : 'nothing was there';
}
