import type { Command } from 'commander';
import { type HostFacts, readHostFacts } from '../machine/host/host-facts.js';
import { localReader } from '../machine/host/reader.js';
import { type Warning, warningsFor } from '../machine/host/warnings.js';
import { type PortsVisit, portText, visitPorts } from '../tasks/doctor/ports.js';
import { latestNoise } from '../tasks/noise/kept-noise.js';
import { noiseWarnings } from '../tasks/noise/noise-text.js';
import { visitHosts, type Visit } from '../machine/topology/hosts/visit.js';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { captureEnvironment } from '../machine/host/environment.js';
import { localHost } from '../machine/host/host.js';
import { wrapped } from '../base/text/layout.js';
import { bytes, listed, plural } from '../base/units/quantity.js';
import type { HostEnvironment } from '../data/record/environment-record.js';
import { loadScenario } from '../experiment/scenario/load.js';
import { EXIT } from '../base/errors/errors.js';
import { labLacking, labSummary } from '../tasks/lab/kernel.js';
import { type Listed, listForwarders, listTopologies } from './list.js';

/** Everything that the doctor says, as `--json` has it. */
interface Examination {
  host: HostEnvironment;
  facts: HostFacts;
  warnings: Warning[];
  topologies: Listed[];
  forwarders: Listed[];
  /** Whether `lab` can boot a kernel here. */
  lab: Listed;
  /** Of a scenario with topology `nic`. */
  ports?: PortsVisit;
}

const WIDTH = 100;

/** `splicebench doctor`: what this host can measure, and what will spoil a measurement. */
export function addDoctor(root: Command): void {
  root
    .command('doctor')
    .description('what this host can measure, and what will spoil a measurement, with the remedy')
    .argument(
      '[scenario]',
      'examine what a scenario runs on: all its hosts at once, or the ports it names',
    )
    .option('--json', 'as JSON')
    .action(async (scenario: string | undefined, options: { json?: boolean }) => {
      const cells =
        scenario === undefined ? [] : (await loadScenario(scenario, forwarderKinds)).cells;
      const connections = Math.max(...cells.map(({ workload }) => workload.connections));
      const topology = cells[0]?.topology;
      const pin = cells[0]?.pin ?? null;
      if (topology?.kind === 'hosts') {
        showHosts(
          await visitHosts(topology, pin, cells[0]?.workload.direction, connections),
          options.json === true,
        );
        return;
      }
      const found = await examine();
      if (topology?.kind === 'nic') {
        found.ports = await visitPorts(topology, pin, connections, found.host);
        const { lacking, ports } = found.ports;
        const refused = lacking !== null || ports.some(({ refusal }) => refusal !== null);
        if (refused || ports.some(({ carrier }) => carrier === false)) {
          process.exitCode = EXIT.couldNotRun;
        }
      }
      process.stdout.write(options.json ? `${JSON.stringify(found, null, 2)}\n` : text(found));
    });
}

async function examine(): Promise<Examination> {
  // The load is looked at first, before anything of ours makes some.
  const facts = await readHostFacts(localReader);
  return {
    host: await captureEnvironment(localHost()),
    facts,
    warnings: [...warningsFor(facts), ...noiseWarnings(await latestNoise())],
    topologies: listTopologies(),
    forwarders: await listForwarders(),
    lab: labHere(),
  };
}

function text({ host, facts, warnings, topologies, forwarders, lab, ports }: Examination): string {
  const available = (items: readonly Listed[]) => items.filter((item) => item.available);
  const missing = [...topologies, ...forwarders].filter((item) => !item.available);
  const lines = [
    hostLine(host, facts),
    '',
    'Can be measured here',
    ...block('topologies', listed(available(topologies).map(({ name }) => name))),
    ...block('forwarders', listed(available(forwarders).map(({ name }) => name))),
    ...missing.flatMap(({ name, reason }) => block(name, `unavailable: ${reason ?? ''}`)),
    ...block(lab.name, lab.available ? lab.summary : `unavailable: ${lab.reason ?? ''}`),
    '',
    ...(ports === undefined ? [] : portLines(ports)),
    ...warningLines([...warnings, ...(ports?.warnings ?? [])]),
  ];
  return `${lines.join('\n')}\n`;
}

function labHere(): Listed {
  const reason = labLacking();
  return { name: 'lab', summary: labSummary(), available: reason === null, reason };
}

function portLines({ lacking, ports }: PortsVisit): string[] {
  return [
    'The ports of the scenario',
    ...(lacking === null ? [] : block('nic', `unavailable: ${lacking}`)),
    ...ports.flatMap((port) => block(`${port.part} ${port.port}`, portText(port))),
    '',
  ];
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

function showHosts(visits: readonly Visit[], json: boolean): void {
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
