import type { Command } from 'commander';
import { type HostFacts, readHostFacts } from '../doctor/host-facts.js';
import { localReader } from '../doctor/reader.js';
import { type Warning, warningsFor } from '../doctor/warnings.js';
import { visitHosts } from '../doctor/visit.js';
import { forwarderKinds } from '../forwarders/registry.js';
import { captureEnvironment } from '../host/environment.js';
import { localHost } from '../host/host.js';
import { wrapped } from '../report/layout.js';
import { bytes, listed, plural } from '../report/quantity.js';
import type { HostEnvironment } from '../results/record.js';
import type { HostsTopology } from '../scenario/plan.js';
import { loadScenario } from '../scenario/load.js';
import { EXIT } from './exit.js';
import { type Listed, listForwarders, listTopologies } from './list.js';

/** Everything that the doctor says, as `--json` has it. */
interface Examination {
  host: HostEnvironment;
  facts: HostFacts;
  warnings: Warning[];
  topologies: Listed[];
  forwarders: Listed[];
}

const WIDTH = 100;

/** `splicebench doctor`: what this host can measure, and what will spoil a measurement. */
export function addDoctor(root: Command): void {
  root
    .command('doctor')
    .description('what this host can measure, and what will spoil a measurement, with the remedy')
    .argument('[scenario]', 'examine all hosts of a scenario with topology hosts, at once')
    .option('--json', 'as JSON')
    .action(async (scenario: string | undefined, options: { json?: boolean }) => {
      const topology = scenario === undefined ? null : await hostsIn(scenario);
      if (topology !== null) {
        await doctorOnHosts(topology, options.json === true);
        return;
      }
      const found = await examine();
      process.stdout.write(options.json ? `${JSON.stringify(found, null, 2)}\n` : text(found));
    });
}

async function examine(): Promise<Examination> {
  // The load is looked at first, before anything of ours makes some.
  const facts = await readHostFacts(localReader);
  return {
    host: await captureEnvironment(localHost()),
    facts,
    warnings: warningsFor(facts),
    topologies: listTopologies(),
    forwarders: await listForwarders(),
  };
}

function text({ host, facts, warnings, topologies, forwarders }: Examination): string {
  const available = (items: readonly Listed[]) => items.filter((item) => item.available);
  const missing = [...topologies, ...forwarders].filter((item) => !item.available);
  const lines = [
    hostLine(host, facts),
    '',
    'Can be measured here',
    ...block('topologies', listed(available(topologies).map(({ name }) => name))),
    ...block('forwarders', listed(available(forwarders).map(({ name }) => name))),
    ...missing.flatMap(({ name, reason }) => block(name, `unavailable: ${reason ?? ''}`)),
    '',
    ...warningLines(warnings),
  ];
  return `${lines.join('\n')}\n`;
}

function warningLines(warnings: readonly Warning[]): string[] {
  return [
    warnings.length === 0
      ? 'Nothing was found that spoils a measurement.'
      : 'What to know, and what to do',
    ...warnings.flatMap(({ id, found, matters, remedy }) => [
      ...block(id, `${found}.`),
      ...block('', `why: ${matters}`),
      ...block('', `remedy: ${remedy}`),
    ]),
  ];
}

/** The hosts of a scenario; null when it runs on this one. */
async function hostsIn(name: string): Promise<HostsTopology | null> {
  const { cells } = await loadScenario(name, forwarderKinds);
  const topology = cells[0]?.topology;
  return topology?.kind === 'hosts' ? topology : null;
}

async function doctorOnHosts(topology: HostsTopology, json: boolean): Promise<void> {
  const visits = await visitHosts(topology);
  if (visits.some(({ reason }) => reason !== null)) process.exitCode = EXIT.couldNotRun;
  if (json) {
    process.stdout.write(`${JSON.stringify({ hosts: visits }, null, 2)}\n`);
    return;
  }
  const parts = visits.map(({ name, reason, found }) =>
    found === null
      ? [name, `  unavailable: ${reason}`]
      : [name, `  ${hostLine(found.host, found.facts)}`, '', ...warningLines(found.warnings)],
  );
  process.stdout.write(`${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`);
}

function hostLine(host: HostEnvironment, { cpus }: HostFacts): string {
  return `${host.cpu_model ?? 'CPU of unknown model'}, ${plural(cpus.length, 'CPU')} to use, ${bytes(host.memory_bytes)}, kernel ${host.kernel.split(' ')[0] ?? ''}`;
}

const COLUMN = 24;

/** A name in its column, and a text wrapped beside it. */
function block(name: string, said: string): string[] {
  const [first = '', ...rest] = wrapped(said, WIDTH - COLUMN - 2);
  const head = `  ${name}`.padEnd(COLUMN);
  return [
    `${head.endsWith(' ') ? head : `${head} `}${first}`,
    ...rest.map((line) => ' '.repeat(COLUMN) + line),
  ];
}
