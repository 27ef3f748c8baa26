import { wordsOf } from '../base/errors/words.js';
import type { Command } from 'commander';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { nicLacking } from '../machine/topology/nic/nic.js';
import { findProgram } from '../base/process/program.js';
import { loadFile } from '../experiment/scenario/load.js';
import { listScenarios } from '../experiment/scenario/names.js';

/** One thing that a run can be made of. */
export interface Listed {
  name: string;
  summary: string;
  available: boolean;
  /** Why not; null when available. */
  reason: string | null;
}

/** `splicebench list`: what can run here. */
export function addList(root: Command): void {
  root
    .command('list')
    .description('scenarios, forwarders and topologies: available here, or why not')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const lists = {
        scenarios: await scenarios(),
        forwarders: await listForwarders(),
        topologies: listTopologies(),
      };
      process.stdout.write(options.json ? `${JSON.stringify(lists, null, 2)}\n` : text(lists));
    });
}

async function scenarios(): Promise<Listed[]> {
  const names = await listScenarios();
  return Promise.all(
    names.map(async (name) => {
      try {
        const { description } = await loadFile(name, forwarderKinds);
        return { name, summary: description ?? '', available: true, reason: null };
      } catch (error) {
        const reason = wordsOf(error);
        return { name, summary: '', available: false, reason };
      }
    }),
  );
}

/** Every forwarder, and why it cannot run here. */
export function listForwarders(): Promise<Listed[]> {
  return Promise.all(
    [...forwarderKinds.values()]
      .filter(({ damaging }) => damaging === undefined)
      .map(async ({ use, summary, unavailable }) => {
        const reason = await unavailable({});
        return { name: use, summary, available: reason === null, reason };
      }),
  );
}

/** Every topology, and why it cannot be had here. */
export function listTopologies(): Listed[] {
  const isolated = namespacesPossible();
  const loopback: Listed = {
    name: 'loopback',
    summary: isolated
      ? "source, forwarder and sink over loopback, in a network namespace of the run's own"
      : "source, forwarder and sink over the host's loopback, under the host's settings",
    available: true,
    reason: null,
  };
  const veth: Listed = {
    name: 'veth',
    summary:
      'each part in a network namespace of its own, joined by veth pairs: MTU, offloads, rate (emulated)',
    available: isolated,
    reason: isolated ? null : 'needs unshare, nsenter and ip (apt-get install util-linux iproute2)',
  };
  const ssh = findProgram('ssh') !== null;
  const hosts: Listed = {
    name: 'hosts',
    summary: ssh
      ? 'each part on a host of yours, over ssh, netns, kubectl exec or any other prefix; several sources and sinks'
      : 'each part on a host of yours, over netns, kubectl exec or any other prefix; ssh is not installed here',
    available: true,
    reason: null,
  };
  const lacking = nicLacking();
  const nic: Listed = {
    name: 'nic',
    summary:
      'ports of this machine that are cabled to each other, each in a namespace for as long as the run lasts',
    available: lacking === null,
    reason: lacking,
  };
  return [loopback, veth, hosts, nic];
}

/** The programs that make a namespace; whether the kernel lets us is seen when a run starts. */
function namespacesPossible(): boolean {
  return ['unshare', 'nsenter', 'ip'].every((name) => findProgram(name) !== null);
}

function text(lists: Record<string, Listed[]>): string {
  return Object.entries(lists)
    .map(([title, items]) => {
      const width = Math.max(...items.map(({ name }) => name.length));
      const lines = items.map(({ name, summary, reason }) => {
        const said = reason === null ? summary : `unavailable: ${reason}`;
        return `  ${name.padEnd(width)}  ${said}`;
      });
      return `${title}\n${lines.join('\n')}\n`;
    })
    .join('\n');
}
